/* The flags of accept describe the new descriptor, and nothing is inherited from the listener. */
#include "check.h"

static int listener;
static address here;

/* Accepts a new caller and returns whether the new descriptor is non-blocking, or a negative errno. */
static int accepted_nonblocking(int flags) {
    address peer;
    sock_caller(&here);
    int accepted = sock_accept(listener, flags, &peer);
    return accepted < 0 ? accepted : sock_is_nonblocking(accepted);
}

int main(int argc, char **argv) {
    here = test_address(argc, argv);
    address peer;
    char byte;
    listener = sock_listener(&here, 8);

    check_number("no flags: blocking", accepted_nonblocking(0), 0);
    check_number("NONBLOCK: non-blocking", accepted_nonblocking(ACCEPT_NONBLOCK), 1);
    check_number("the listener stays blocking", sock_is_nonblocking(listener), 0);

    int caller = sock_caller(&here);
    int accepted = must("accept", sock_accept(listener, ACCEPT_NONBLOCK, &peer));
    check_error("recv on the non-blocking descriptor", sock_recv(accepted, &byte, 1), EAGAIN);
    must("send", sock_send_all(caller, "x", 1));
    must("blocking", sock_set_nonblocking(accepted, false));
    check_number("made blocking, it waits for data", sock_recv(accepted, &byte, 1), 1);

    must("non-blocking", sock_set_nonblocking(listener, true));
    check_number("a non-blocking listener hands nothing down", accepted_nonblocking(0), 0);
    check_number("unless asked to", accepted_nonblocking(ACCEPT_NONBLOCK), 1);
    check_number("the listener stays non-blocking", sock_is_nonblocking(listener), 1);

    /* The listener stays non-blocking: a host that takes the caller here must fail, not hang. */
    caller = sock_caller(&here);
    check_error("unknown bit 0x20", sock_accept(listener, 0x20, &peer), EINVAL);
    check_error("unknown bit 0x8000", sock_accept(listener, 0x8000, &peer), EINVAL);
    check_error("unknown bit beside NONBLOCK", sock_accept(listener, ACCEPT_NONBLOCK | 0x20, &peer), EINVAL);
    check_caller("the caller still waits", listener, caller);
    return finish();
}
