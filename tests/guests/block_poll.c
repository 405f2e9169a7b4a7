/* Prints "blocking" and blocks for ever in poll_oneoff on a listener that nobody calls and a silent connection. */
#include "portable.h"

int main(int argc, char **argv) {
    address here = address_of(argc > 1 ? argv[1] : "127.0.0.1", 0), peer;
    int listener = sock_listener(&here, 1);
    sock_caller(&here);
    int accepted = must("accept", sock_accept(listener, 0, &peer));
    watch rows[] = {{.fd = listener, .want_read = true}, {.fd = accepted, .want_read = true}};
    say("blocking");
    return sock_poll(rows, 2, -1) < 0;
}
