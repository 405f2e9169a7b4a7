/* The receive timeout of a listener (SO_RCVTIMEO) bounds accept: AGAIN; the next caller is accepted. */
#include "check.h"

int main(int argc, char **argv) {
    address here = test_address(argc, argv), peer;
    int listener = sock_listener(&here, 4);
    must("receive timeout", sock_set_time(listener, OPTION_RECV_TIMEOUT, 30));
    check_error("nobody calls in time", sock_accept(listener, 0, &peer), EAGAIN);
    int caller = sock_caller(&here);
    check_caller("a caller who waits is accepted", listener, caller);
    check_error("nobody calls in time again", sock_accept(listener, 0, &peer), EAGAIN);
    return finish();
}
