/* What accept answers on descriptors that cannot accept. */
#include "check.h"

int main(int argc, char **argv) {
    address here = test_address(argc, argv), peer;
    check_error("descriptor 999", sock_accept(999, 0, &peer), EBADF);
    check_error("descriptor -1", sock_accept(-1, 0, &peer), EBADF);
    check_error("standard input", sock_accept(0, 0, &peer), ENOTSOCK);

    int fresh = must("open", sock_open(here.family, SOCK_TYPE_STREAM));
    check_error("fresh socket", sock_accept(fresh, 0, &peer), EINVAL);
    must("bind", sock_bind(fresh, &here));
    check_error("bound, not listening", sock_accept(fresh, 0, &peer), EINVAL);

    int datagram = must("open", sock_open(here.family, SOCK_TYPE_DATAGRAM));
    check_error("datagram socket", sock_accept(datagram, 0, &peer), ENOTSUP);

    int listener = sock_listener(&here, 4);
    int caller = sock_caller(&here);
    check_error("connected socket", sock_accept(caller, 0, &peer), EINVAL);
    int accepted = must("accept", sock_accept(listener, 0, &peer));
    check_error("accepted socket", sock_accept(accepted, 0, &peer), EINVAL);

    sock_close(listener);
    check_error("closed listener", sock_accept(listener, 0, &peer), EBADF);
    return finish();
}
