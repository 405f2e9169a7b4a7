/*
 * libc's byte-order probe: it binds TCP port 10275 (9000 with its bytes swapped) once and reads the port back. The
 * answer must not depend on who holds that port outside.
 */
#include "check.h"

static void probe(const char *name, int *fd) {
    uint8_t raw[110] = {WASIX_ADDRESS_FAMILY_INET4, 0, 0x23, 0x28}; /* 10275, little-endian, on 0.0.0.0 */
    *fd = must("open", sock_open(4, SOCK_TYPE_STREAM));
    must("bind", -wasix_sock_bind(*fd, (wasix_addr_port_t *)raw));
    memset(raw, 0xAA, sizeof raw);
    must("local address", -wasix_sock_addr_local(*fd, (wasix_addr_port_t *)raw));
    check_number(name, raw[2] | raw[3] << 8, 10275);
}

int main(void) {
    int first, second;
    probe("first source file's probe", &first);
    probe("second one's, the first still open", &second);
    check_error("closing", sock_close(first), 0);
    check_error("closing", sock_close(second), 0);
    probe("probing again", &first);
    sock_close(first);
    return finish();
}
