/*
 * Accepts and closes, nothing else: what a connection costs.
 *
 *   bench_accept [PORT] [IP]
 */
#include "portable.h"

int main(int argc, char **argv) {
    address here = address_of(argc > 2 ? argv[2] : "127.0.0.1", argc > 1 ? atoi(argv[1]) : 0), peer;
    int listener = sock_listener(&here, 1024);
    say("listening on %u", (unsigned)here.port);
    for (;;) sock_close(must("accept", sock_accept(listener, 0, &peer)));
}
