/*
 * Connects, sends a message, prints the answer.
 *
 *   tcp_client IP PORT [MESSAGE]
 */
#include "portable.h"

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: %s IP PORT [MESSAGE]\n", argv[0]);
        return 2;
    }
    const char *message = argc > 3 ? argv[3] : "hello";
    address server = address_of(argv[1], atoi(argv[2])), local, peer;
    int fd = sock_caller(&server);
    must("local address", sock_local(fd, &local));
    must("peer address", sock_peer(fd, &peer));
    say("local %s", address_text(&local));
    say("peer %s", address_text(&peer));

    must("send", sock_send_all(fd, message, strlen(message)));
    must("shutdown", sock_shutdown(fd, SHUTDOWN_WRITE));
    char data[4096];
    int size;
    while ((size = must("receive", sock_recv(fd, data, sizeof data))) > 0) fwrite(data, 1, (size_t)size, stdout);
    putchar('\n');
    fflush(stdout);
    sock_close(fd);
    return 0;
}
