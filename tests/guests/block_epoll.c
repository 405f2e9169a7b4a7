/* Prints "blocking" and blocks for ever in epoll_wait on a listener that nobody calls and a silent connection. */
#include "portable.h"

int main(int argc, char **argv) {
    address here = address_of(argc > 1 ? argv[1] : "127.0.0.1", 0), peer;
    int listener = sock_listener(&here, 1);
    sock_caller(&here);
    int accepted = must("accept", sock_accept(listener, 0, &peer));
    int epoll = must("epoll", sock_epoll_create());
    must("add", sock_epoll_ctl(epoll, EPOLL_ADD, listener, EPOLL_IN, 1));
    must("add", sock_epoll_ctl(epoll, EPOLL_ADD, accepted, EPOLL_IN, 2));
    epoll_row rows[2];
    say("blocking");
    return sock_epoll_wait(epoll, rows, 2, -1) < 0;
}
