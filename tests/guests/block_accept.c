/* Prints "blocking" and blocks for ever in accept: nobody calls. */
#include "portable.h"

int main(int argc, char **argv) {
    address here = address_of(argc > 1 ? argv[1] : "127.0.0.1", 0), peer;
    int listener = sock_listener(&here, 1);
    say("blocking");
    return sock_accept(listener, 0, &peer) < 0;
}
