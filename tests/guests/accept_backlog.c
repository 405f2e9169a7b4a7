/* The backlog is passed on: as on Linux, a queue of length N holds N + 1 waiting callers, and the next must wait. */
#include "check.h"

enum { BACKLOG = 2, CALLERS = BACKLOG + 2 };

int main(int argc, char **argv) {
    address here = test_address(argc, argv), peer, own;
    int listener = sock_listener(&here, BACKLOG);
    watch callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        int fd = must("open", sock_open(here.family, SOCK_TYPE_STREAM));
        must("non-blocking", sock_set_nonblocking(fd, true));
        int result = sock_connect(fd, &here);
        if (result != -EINPROGRESS) must("connect", result);
        callers[i] = (watch){.fd = fd, .want_write = true};
        /* A handshake over loopback is done when connect returns; the last one's cannot end. */
        if (i < CALLERS - 1) check_number("connects", sock_poll(&callers[i], 1, 5000), 1);
    }
    check_number("one too many waits", sock_poll(&callers[CALLERS - 1], 1, 50), 0);

    int accepted = must("accept", sock_accept(listener, 0, &peer));
    must("local address", sock_local(callers[0].fd, &own));
    check_address("the first caller comes first", &peer, &own);
    check_number("then the late one gets in", sock_poll(&callers[CALLERS - 1], 1, 10000), 1);
    sock_close(accepted);
    return finish();
}
