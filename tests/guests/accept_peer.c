/*
 * accept says who called: callers are served in order, each with the address its own end shows.
 *
 *   accept_peer [IP] [COUNT]        COUNT callers wait at once (default 8; two descriptors each)
 */
#include "check.h"

int main(int argc, char **argv) {
    address here = test_address(argc, argv), peer, own;
    int count = argc > 2 ? atoi(argv[2]) : 8;
    int *callers = calloc((size_t)count, sizeof *callers);
    int listener = sock_listener(&here, count);
    for (int i = 0; i < count; i++) callers[i] = sock_caller(&here);

    int equal = 0, same_peer = 0, same_local = 0, far_end = 0;
    for (int i = 0; i < count; i++) {
        int accepted = must("accept", sock_accept(listener, 0, &peer));
        must("local address", sock_local(callers[i], &own));
        equal += address_equal(&peer, &own);
        must("peer address", sock_peer(accepted, &own));
        same_peer += address_equal(&peer, &own);
        must("local address", sock_local(accepted, &own));
        same_local += address_equal(&own, &here);
        must("peer address", sock_peer(callers[i], &own));
        far_end += address_equal(&own, &here);
        sock_close(accepted);
        sock_close(callers[i]);
    }
    check_number("peer of accept is the caller's local address", equal, count);
    check_number("peer of the new descriptor is the same", same_peer, count);
    check_number("local address of the new descriptor is the listener's", same_local, count);
    check_number("peer of the caller is the listener", far_end, count);
    return finish();
}
