/* preview1's sock_accept: three parameters, no address; everything else as sock_accept_v2. */
#include "check.h"

static int plain_accept(int listener, int flags) {
#ifdef __wasm__
    int fd;
    int error = wasix_sock_accept(listener, (uint16_t)flags, &fd);
    return error ? -error : fd;
#else
    return posix_result(accept4(listener, NULL, NULL, flags));
#endif
}

int main(int argc, char **argv) {
    address here = test_address(argc, argv), peer, own;
    int listener = sock_listener(&here, 4);
    int caller = sock_caller(&here);
    int accepted = plain_accept(listener, 0);
    check_error("accepts", accepted, 0);
    check_number("blocking", sock_is_nonblocking(accepted), 0);
    must("peer address", sock_peer(accepted, &peer));
    must("local address", sock_local(caller, &own));
    check_address("the right caller", &peer, &own);

    sock_caller(&here);
    accepted = plain_accept(listener, ACCEPT_NONBLOCK);
    check_error("accepts with NONBLOCK", accepted, 0);
    check_number("non-blocking", sock_is_nonblocking(accepted), 1);

    must("non-blocking", sock_set_nonblocking(listener, true));
    check_error("nobody waits", plain_accept(listener, 0), EAGAIN);
    caller = sock_caller(&here);
    check_error("unknown bit", plain_accept(listener, 0x20), EINVAL);
    check_caller("the caller still waits", listener, caller);
    check_error("not open", plain_accept(999, 0), EBADF);
    check_error("standard input", plain_accept(0, 0), ENOTSOCK);
    check_error("connected socket", plain_accept(caller, 0), EINVAL);
    return finish();
}
