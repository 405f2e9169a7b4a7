/*
 * Moves bulk data in chunks of 64 KiB.
 *
 *   bench_bulk [PORT] [IP]
 *
 * A caller's first byte says which way: 'r' the server receives until the caller has shut down its side, then sends
 * the number of bytes (u64, little-endian); 's' the server sends until the caller closes.
 */
#include "portable.h"

static char data[65536];

static void receive(int caller) {
    uint64_t total = 0;
    int size;
    while ((size = sock_recv(caller, data, sizeof data)) > 0) total += (uint64_t)size;
    uint8_t number[8];
    for (int i = 0; i < 8; i++) number[i] = (uint8_t)(total >> 8 * i);
    sock_send_all(caller, number, sizeof number);
}

static void send_until_closed(int caller) {
    while (sock_send(caller, data, sizeof data) > 0) {
    }
}

int main(int argc, char **argv) {
    address here = address_of(argc > 2 ? argv[2] : "127.0.0.1", argc > 1 ? atoi(argv[1]) : 0), peer;
    int listener = sock_listener(&here, 128);
    say("listening on %u", (unsigned)here.port);
    for (;;) {
        int caller = must("accept", sock_accept(listener, 0, &peer));
        char way;
        if (sock_recv(caller, &way, 1) == 1) {
            if (way == 'r') receive(caller);
            if (way == 's') send_until_closed(caller);
        }
        sock_close(caller);
    }
}
