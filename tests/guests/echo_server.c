/*
 * A TCP echo server that says who called.
 *
 *   echo_server [-q] [-n COUNT] [PORT] [IP]
 *
 * Prints "listening on PORT", then each caller's address; echoes until the caller is done, then takes the next one.
 * -q prints nothing about callers, -n ends after COUNT of them. PORT 0 (the default) is any free port.
 */
#include "portable.h"

/* One receive and one send per round trip. */
static void echo(int caller) {
    static char data[65536];
    int size;
    while ((size = sock_recv(caller, data, sizeof data)) > 0) {
        if (sock_send_all(caller, data, (size_t)size) < 0) break;
    }
}

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
    int listener = sock_listener(&here, 128);
    say("listening on %u", (unsigned)here.port);

    while (remaining != 0) {
        address peer;
        int caller = must("accept", sock_accept(listener, 0, &peer));
        if (!quiet) say("%s", address_text(&peer));
        echo(caller);
        sock_close(caller);
        if (remaining > 0) remaining--;
    }
    return 0;
}
