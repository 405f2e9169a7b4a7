/*
 * An echo server with a process for each connection, as the textbooks have it.
 *
 *   fork_server [-n COUNT] [PORT] [IP]
 *
 * Prints "listening on PORT", and with -n, after COUNT callers and when all children have ended, how many there were.
 */
#include "portable.h"
#include "process.h"

#include <unistd.h>

static void echo(int caller) {
    static char data[65536];
    int size;
    while ((size = sock_recv(caller, data, sizeof data)) > 0)
        if (sock_send_all(caller, data, (size_t)size) < 0) break;
}

int main(int argc, char **argv) {
    long remaining = -1, served = 0, ended = 0;
    int next = 1, status;
    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        remaining = atol(argv[2]);
        next = 3;
    }
    int port = next < argc ? atoi(argv[next]) : 0;
    address here = address_of(next + 1 < argc ? argv[next + 1] : "127.0.0.1", port);
    int listener = sock_listener(&here, 128);
    say("listening on %u", (unsigned)here.port);

    for (; remaining != 0; remaining -= remaining > 0) {
        address peer;
        int caller = must("accept", sock_accept(listener, 0, &peer));
        int pid;
        while ((pid = process_fork()) == -EAGAIN) /* too many: one has to end first */
            ended += process_wait(-1, 1, &status) > 0;
        if (pid == 0) {
            sock_close(listener);
            echo(caller);
            _exit(0);
        }
        must("fork", pid);
        sock_close(caller);
        served++;
        while (process_wait(-1, 0, &status) > 0)
            ended++;
    }
    while (process_wait(-1, 1, &status) > 0)
        ended++;
    say("served %ld, ended %ld", served, ended);
    return 0;
}
