/* Bad result pointers: FAULT, the caller stays in the queue and no descriptor is used up. */
#include "check.h"

static uint8_t *memory_end(void) {
    return (uint8_t *)(__builtin_wasm_memory_size(0) * 65536); /* 0 would mean 4 GiB; the guest is small */
}

static int try_accept(int listener, int *ro_fd, void *ro_addr) {
    return wasix_sock_accept_v2(listener, 0, ro_fd, ro_addr);
}

int main(int argc, char **argv) {
    address here = test_address(argc, argv);
    int new_fd = 12345;
    wasix_addr_port_t raw;
    int listener = sock_listener(&here, 4);
    int caller = sock_caller(&here);
    must("non-blocking", sock_set_nonblocking(listener, true)); /* a wrong host must fail here, not hang */
    int lowest_free = must("open", sock_open(here.family, SOCK_TYPE_STREAM));
    sock_close(lowest_free);

    check_error("ro_fd behind memory", -try_accept(listener, (int *)memory_end(), &raw), EFAULT);
    check_error("ro_fd across the end", -try_accept(listener, (int *)(memory_end() - 3), &raw), EFAULT);
    check_error("ro_fd at 0xffffffff", -try_accept(listener, (int *)UINTPTR_MAX, &raw), EFAULT);
    check_error("ro_addr behind memory", -try_accept(listener, &new_fd, memory_end()), EFAULT);
    check_error("ro_addr across the end", -try_accept(listener, &new_fd, memory_end() - 19), EFAULT);
    check_error("ro_addr at 0xfffffff0", -try_accept(listener, &new_fd, (void *)(UINTPTR_MAX - 15)), EFAULT);
    check_number("ro_fd is untouched", new_fd, 12345);

    check_error("good pointers", -try_accept(listener, &new_fd, &raw), 0);
    check_number("no descriptor was used up", new_fd, lowest_free);
    address peer, own;
    address_from_abi(&raw, &peer);
    must("local address", sock_local(caller, &own));
    check_address("the caller had stayed in the queue", &peer, &own);
    return finish();
}
