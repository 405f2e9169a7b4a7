/* A non-blocking listener: AGAIN when nobody waits, the caller when one does. */
#include "check.h"

int main(int argc, char **argv) {
    address here = test_address(argc, argv), peer;
    int listener = sock_listener(&here, 4);
    must("non-blocking", sock_set_nonblocking(listener, true));
    check_error("nobody waits", sock_accept(listener, 0, &peer), EAGAIN);
    check_error("nobody waits, flags set", sock_accept(listener, ACCEPT_NONBLOCK, &peer), EAGAIN);
    int caller = sock_caller(&here);
    check_caller("a caller waits", listener, caller);
    check_error("nobody waits again", sock_accept(listener, 0, &peer), EAGAIN);
    return finish();
}
