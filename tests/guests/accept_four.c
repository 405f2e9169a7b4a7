/* wasix_32v1's sock_accept has four parameters and is what sock_accept_v2 is, under its older name. */
#include "check.h"

static int accept_four(int listener, int flags, address *peer) {
    int fd;
    wasix_addr_port_t raw;
    int error = wasix_sock_accept_peer(listener, (uint16_t)flags, &fd, &raw);
    if (error) return -error;
    address_from_abi(&raw, peer);
    return fd;
}

int main(int argc, char **argv) {
    address here = test_address(argc, argv), peer, own;
    int listener = sock_listener(&here, 4);
    int caller = sock_caller(&here);
    must("local address", sock_local(caller, &own));
    int accepted = accept_four(listener, ACCEPT_NONBLOCK, &peer);
    check_error("accepts", accepted, 0);
    check_address("says who called", &peer, &own);
    check_number("non-blocking as asked", sock_is_nonblocking(accepted), 1);

    must("non-blocking", sock_set_nonblocking(listener, true));
    check_error("nobody waits", accept_four(listener, 0, &peer), EAGAIN);
    caller = sock_caller(&here);
    check_error("unknown bit", accept_four(listener, 0x20, &peer), EINVAL);
    int fd;
    int error = wasix_sock_accept_peer(listener, 0, &fd, (wasix_addr_port_t *)(UINTPTR_MAX - 15));
    check_error("bad ro_addr", -error, EFAULT);
    check_caller("the caller still waits", listener, caller);
    check_error("not open", accept_four(999, 0, &peer), EBADF);
    return finish();
}
