/* Prints "blocking" and blocks for ever in recv: it is connected to itself and never sends. */
#include "portable.h"

int main(int argc, char **argv) {
    address here = address_of(argc > 1 ? argv[1] : "127.0.0.1", 0), peer;
    int listener = sock_listener(&here, 1);
    sock_caller(&here);
    int accepted = must("accept", sock_accept(listener, 0, &peer));
    char byte;
    say("blocking");
    return sock_recv(accepted, &byte, 1) < 0;
}
