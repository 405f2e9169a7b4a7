/*
 * A server that leaks: it takes every caller, says who it is, and never serves or closes anybody.
 *
 *   hoarder [PORT] [IP]
 */
#include "portable.h"

int main(int argc, char **argv) {
    address here = address_of(argc > 2 ? argv[2] : "127.0.0.1", argc > 1 ? atoi(argv[1]) : 0);
    int listener = sock_listener(&here, 128);
    say("listening on %u", (unsigned)here.port);
    for (;;) {
        address peer;
        must("accept", sock_accept(listener, 0, &peer));
        say("%s", address_text(&peer));
    }
}
