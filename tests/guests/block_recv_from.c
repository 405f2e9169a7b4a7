/* Prints "blocking" and blocks for ever in recv_from: nobody knows its port. */
#include "portable.h"

int main(int argc, char **argv) {
    address here = address_of(argc > 1 ? argv[1] : "127.0.0.1", 0), sender;
    int fd = must("open", sock_open(here.family, SOCK_TYPE_DATAGRAM));
    must("bind", sock_bind(fd, &here));
    char byte;
    bool cut;
    say("blocking");
    return sock_recv_from(fd, &byte, 1, 0, &sender, &cut) < 0;
}
