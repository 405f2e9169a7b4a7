/*
 * Prints "blocking" and blocks in connect: the listener's queue is full and nobody accepts.
 *
 * Linux drops the handshake of a caller that finds the queue full and lets it try again for about two minutes.
 */
#include "portable.h"

int main(int argc, char **argv) {
    address here = address_of(argc > 1 ? argv[1] : "127.0.0.1", 0);
    sock_listener(&here, 0); /* one waiting caller fits into a queue of length 0 */
    sock_caller(&here);
    int late = must("open", sock_open(here.family, SOCK_TYPE_STREAM));
    say("blocking");
    return sock_connect(late, &here) < 0;
}
