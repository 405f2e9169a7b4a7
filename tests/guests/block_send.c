/* Prints "blocking" and blocks for ever in send: it is connected to itself and never receives. */
#include "portable.h"

int main(int argc, char **argv) {
    static char data[65536];
    address here = address_of(argc > 1 ? argv[1] : "127.0.0.1", 0), peer;
    int listener = sock_listener(&here, 1);
    int caller = sock_caller(&here);
    must("accept", sock_accept(listener, 0, &peer));

    /* Fill the peer without blocking first, so that "blocking" is printed when it is true. */
    must("non-blocking", sock_set_nonblocking(caller, true));
    while (sock_send(caller, data, sizeof data) > 0) {
    }
    must("blocking", sock_set_nonblocking(caller, false));
    say("blocking");
    for (;;) must("send", sock_send(caller, data, sizeof data));
}
