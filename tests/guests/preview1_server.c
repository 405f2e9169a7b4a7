/*
 * An echo server of plain WASI preview1: it cannot open sockets and gets a listening one from the host.
 *
 *   preview1_server [FD] [COUNT]
 *
 * FD is the descriptor of the listening socket (default 3), COUNT ends it after so many callers (default: never).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int listener = argc > 1 ? atoi(argv[1]) : 3;
    static char data[65536];
    for (long remaining = argc > 2 ? atol(argv[2]) : -1; remaining != 0; remaining -= remaining > 0) {
        int caller = accept(listener, NULL, NULL);
        if (caller < 0) {
            perror("accept");
            return 1;
        }
        ssize_t size;
        while ((size = recv(caller, data, sizeof data, 0)) > 0) {
            if (send(caller, data, (size_t)size, 0) != size) break;
        }
        close(caller);
    }
    return 0;
}
