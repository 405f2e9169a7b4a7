/* The bytes that accept, addr_local and addr_peer write: every one in place, none beyond. */
#include "check.h"

enum { GUARD = 0xAA, ROOM = 160, BEFORE = 16 };

/* A result cell with guard bytes on both sides. */
static _Alignas(16) uint8_t room[BEFORE + ROOM];
static uint8_t *const raw = room + BEFORE;

/* How many bytes from the result's start were written; -1 when one before it was. */
static int written(void) {
    for (int i = 0; i < BEFORE; i++)
        if (room[i] != GUARD) return -1;
    int end = ROOM;
    while (end > 0 && raw[end - 1] == GUARD) end--;
    return end;
}

static bool all_zero(const uint8_t *from, const uint8_t *to) {
    while (from < to)
        if (*from++) return false;
    return true;
}

/* Checks the address in `raw` against `expected`, which was not read from this layout. */
static void check_layout(const char *what, const address *expected) {
    bool six = expected->family == 6;
    say("-- %s", what);
    check_number("bytes written", written(), six ? 28 : 20);
    check_number("tag", raw[0], six ? 2 : 1);
    check_number("padding", raw[1], 0);
    check_number("port, little-endian", raw[2] | raw[3] << 8, expected->port);
    check_number("address in network order", memcmp(raw + 4, expected->ip, six ? 16 : 4), 0);
    check_number("the rest is zero", all_zero(raw + (six ? 20 : 8), raw + (six ? 28 : 20)), true);
}

int main(int argc, char **argv) {
    address here = test_address(argc, argv), own;
    int listener = sock_listener(&here, 4);
    int caller = sock_caller(&here);
    must("local address", sock_local(caller, &own));
    wasix_addr_port_t *result = (wasix_addr_port_t *)raw;

    struct {
        uint8_t before[4];
        int fd;
        uint8_t after[4];
    } cell;
    memset(&cell, GUARD, sizeof cell);
    memset(room, GUARD, sizeof room);
    must("accept", -wasix_sock_accept_v2(listener, 0, &cell.fd, result));
    check_layout("sock_accept_v2", &own);
    check_number("ro_fd: nothing before", memcmp(cell.before, "\xAA\xAA\xAA\xAA", 4), 0);
    check_number("ro_fd: nothing behind", memcmp(cell.after, "\xAA\xAA\xAA\xAA", 4), 0);

    memset(room, GUARD, sizeof room);
    must("peer address", -wasix_sock_addr_peer(cell.fd, result));
    check_layout("sock_addr_peer", &own);
    memset(room, GUARD, sizeof room);
    must("local address", -wasix_sock_addr_local(cell.fd, result));
    check_layout("sock_addr_local", &here);

    caller = sock_caller(&here);
    must("local address", sock_local(caller, &own));
    memset(room, GUARD, sizeof room);
    must("accept", -wasix_sock_accept_peer(listener, 0, &cell.fd, result));
    check_layout("sock_accept with four parameters", &own);
    return finish();
}
