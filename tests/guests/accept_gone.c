/*
 * A caller that left before it was accepted: accept may give it, at its end, or answer CONNABORTED (POSIX allows
 * both), and must go on with the next one.
 */
#include "check.h"

int main(int argc, char **argv) {
    address here = test_address(argc, argv), peer, gone;
    char byte;
    int listener = sock_listener(&here, 4);
    int caller = sock_caller(&here);
    must("local address", sock_local(caller, &gone));
    sock_close(caller);
    int accepted = sock_accept(listener, 0, &peer);
    if (accepted == -ECONNABORTED) {
        say("the caller who left: ok");
        say("and is at its end: ok");
    } else {
        check_address("the caller who left", &peer, &gone);
        check_number("and is at its end", sock_recv(accepted, &byte, 1), 0);
    }
    caller = sock_caller(&here);
    check_caller("the next caller", listener, caller);
    return finish();
}
