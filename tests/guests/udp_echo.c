/*
 * A UDP echo server.
 *
 *   udp_echo [-q] [-n COUNT] [PORT] [IP]
 *
 * Prints "listening on PORT", then who sent each datagram, and sends it back.
 * -q prints nothing about senders, -n ends after COUNT datagrams. PORT 0 (the default) is any free port.
 */
#include "portable.h"

int main(int argc, char **argv) {
    bool quiet = false;
    long remaining = -1; /* negative: for ever */
    int next = 1;
    for (; next < argc && argv[next][0] == '-'; next++) {
        if (strcmp(argv[next], "-q") == 0) {
            quiet = true;
        } else if (strcmp(argv[next], "-n") == 0 && next + 1 < argc) {
            remaining = atol(argv[++next]);
        } else {
            fprintf(stderr, "usage: %s [-q] [-n COUNT] [PORT] [IP]\n", argv[0]);
            return 2;
        }
    }
    int port = next < argc ? atoi(argv[next]) : 0;
    address here = address_of(next + 1 < argc ? argv[next + 1] : "127.0.0.1", port);
    int server = must("open", sock_open(here.family, SOCK_TYPE_DATAGRAM));
    must("bind", sock_bind(server, &here));
    must("local address", sock_local(server, &here));
    say("listening on %u", (unsigned)here.port);

    while (remaining != 0) {
        static char data[65536];
        address sender;
        bool cut;
        int size = must("receive", sock_recv_from(server, data, sizeof data, 0, &sender, &cut));
        if (!quiet) say("%s: %d bytes", address_text(&sender), size);
        /* A sender that is gone, or that may not be answered, is no reason to end. */
        sock_send_to(server, data, (size_t)size, 0, &sender);
        if (remaining > 0) remaining--;
    }
    return 0;
}
