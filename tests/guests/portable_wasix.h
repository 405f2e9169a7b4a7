/* portable.h on WASIX. Addresses are written byte by byte: the 20- and the 110-byte form begin alike. */
#ifndef PORTABLE_WASIX_H
#define PORTABLE_WASIX_H

#include "wasix.h"

enum {
    SOCK_TYPE_STREAM = WASIX_SOCK_TYPE_SOCKET_STREAM,
    SOCK_TYPE_DATAGRAM = WASIX_SOCK_TYPE_SOCKET_DGRAM,
    ACCEPT_NONBLOCK = WASIX_FDFLAGS_NONBLOCK,
    RECV_PEEK = WASIX_RIFLAGS_RECV_PEEK,
    RECV_WAIT_ALL = WASIX_RIFLAGS_RECV_WAITALL,
    RECV_REAL_SIZE = WASIX_RIFLAGS_RECV_DATA_TRUNCATED, /* the result is the datagram's whole size */
    RECV_DONT_WAIT = WASIX_RIFLAGS_RECV_DONT_WAIT,
    SEND_DONT_WAIT = WASIX_SIFLAGS_SEND_DONT_WAIT,
    OPTION_REUSE_ADDR = WASIX_SOCK_OPTION_REUSE_ADDR,
    OPTION_REUSE_PORT = WASIX_SOCK_OPTION_REUSE_PORT,
    OPTION_NO_DELAY = WASIX_SOCK_OPTION_NO_DELAY,
    OPTION_DONT_ROUTE = WASIX_SOCK_OPTION_DONT_ROUTE,
    OPTION_ONLY_V6 = WASIX_SOCK_OPTION_ONLY_V6,
    OPTION_BROADCAST = WASIX_SOCK_OPTION_BROADCAST,
    OPTION_MULTICAST_LOOP_V4 = WASIX_SOCK_OPTION_MULTICAST_LOOP_V4,
    OPTION_MULTICAST_LOOP_V6 = WASIX_SOCK_OPTION_MULTICAST_LOOP_V6,
    OPTION_MULTICAST_TTL_V4 = WASIX_SOCK_OPTION_MULTICAST_TTL_V4,
    OPTION_LISTENING = WASIX_SOCK_OPTION_LISTENING,
    OPTION_KEEP_ALIVE = WASIX_SOCK_OPTION_KEEP_ALIVE,
    OPTION_OOB_INLINE = WASIX_SOCK_OPTION_OOB_INLINE,
    OPTION_RECV_BUFFER = WASIX_SOCK_OPTION_RECV_BUF_SIZE,
    OPTION_SEND_BUFFER = WASIX_SOCK_OPTION_SEND_BUF_SIZE,
    OPTION_RECV_LOWAT = WASIX_SOCK_OPTION_RECV_LOWAT,
    OPTION_SEND_LOWAT = WASIX_SOCK_OPTION_SEND_LOWAT,
    OPTION_RECV_TIMEOUT = WASIX_SOCK_OPTION_RECV_TIMEOUT,
    OPTION_SEND_TIMEOUT = WASIX_SOCK_OPTION_SEND_TIMEOUT,
    OPTION_TTL = WASIX_SOCK_OPTION_TTL,
    OPTION_TYPE = WASIX_SOCK_OPTION_TYPE,
    OPTION_PROTO = WASIX_SOCK_OPTION_PROTO,
    OPTION_LAST_ERROR = WASIX_SOCK_OPTION_LAST_ERROR,
    SHUTDOWN_READ = WASIX_SDFLAGS_RD,
    SHUTDOWN_WRITE = WASIX_SDFLAGS_WR,
};

/* tag @0, zero @1, port little-endian @2, address in network order @4, IPv6 scope as two u16 (high, low) @24. */
static inline void address_to_abi(const address *from, wasix_addr_port_t *to) {
    uint8_t *raw = (uint8_t *)to;
    memset(to, 0, sizeof *to);
    raw[0] = from->family == 6 ? WASIX_ADDRESS_FAMILY_INET6 : WASIX_ADDRESS_FAMILY_INET4;
    raw[2] = (uint8_t)from->port;
    raw[3] = (uint8_t)(from->port >> 8);
    memcpy(raw + 4, from->ip, from->family == 6 ? 16 : 4);
    raw[24] = (uint8_t)(from->scope >> 16);
    raw[25] = (uint8_t)(from->scope >> 24);
    raw[26] = (uint8_t)from->scope;
    raw[27] = (uint8_t)(from->scope >> 8);
}

static inline void address_from_abi(const wasix_addr_port_t *from, address *to) {
    const uint8_t *raw = (const uint8_t *)from;
    memset(to, 0, sizeof *to);
    if (raw[0] != WASIX_ADDRESS_FAMILY_INET4 && raw[0] != WASIX_ADDRESS_FAMILY_INET6) {
        to->family = raw[0] == WASIX_ADDRESS_FAMILY_UNIX ? FAMILY_UNIX : FAMILY_NONE;
        return;
    }
    to->family = raw[0] == WASIX_ADDRESS_FAMILY_INET6 ? 6 : 4;
    to->port = (uint16_t)(raw[2] | raw[3] << 8);
    memcpy(to->ip, raw + 4, to->family == 6 ? 16 : 4);
    if (to->family == 6) to->scope = (uint32_t)(raw[26] | raw[27] << 8 | raw[24] << 16) | (uint32_t)raw[25] << 24;
}

static inline uint8_t family_to_abi(int family) {
    if (family == FAMILY_UNIX) return WASIX_ADDRESS_FAMILY_UNIX;
    return family == 6 ? WASIX_ADDRESS_FAMILY_INET6 : WASIX_ADDRESS_FAMILY_INET4;
}

static inline int sock_open(int family, int type) {
    int fd;
    int protocol = type == SOCK_TYPE_STREAM ? WASIX_SOCK_PROTO_TCP : WASIX_SOCK_PROTO_UDP;
    if (family == FAMILY_UNIX) protocol = WASIX_SOCK_PROTO_IP;
    int error = wasix_sock_open(family_to_abi(family), (uint8_t)type, (uint16_t)protocol, &fd);
    return error ? -error : fd;
}

static inline int sock_bind(int fd, const address *where) {
    wasix_addr_port_t raw;
    address_to_abi(where, &raw);
    return -wasix_sock_bind(fd, &raw);
}

static inline int sock_listen(int fd, int backlog) {
    return -wasix_sock_listen(fd, (uint32_t)backlog);
}

static inline int sock_connect(int fd, const address *where) {
    wasix_addr_port_t raw;
    address_to_abi(where, &raw);
    return -wasix_sock_connect(fd, &raw);
}

/* `flags` (ACCEPT_NONBLOCK) describes the new descriptor. */
static inline int sock_accept(int fd, int flags, address *peer) {
    int new_fd;
    wasix_addr_port_t raw;
    int error = wasix_sock_accept_v2(fd, (uint16_t)flags, &new_fd, &raw);
    if (error) return -error;
    address_from_abi(&raw, peer);
    return new_fd;
}

static inline int sock_recv(int fd, void *data, size_t size) {
    wasix_iovec_t part = {.buf = data, .buf_len = size};
    uint32_t received;
    uint16_t flags;
    int error = wasix_sock_recv(fd, &part, 1, 0, &received, &flags);
    return error ? -error : (int)received;
}

static inline int sock_send(int fd, const void *data, size_t size) {
    wasix_ciovec_t part = {.buf = data, .buf_len = size};
    uint32_t sent;
    int error = wasix_sock_send(fd, &part, 1, 0, &sent);
    return error ? -error : (int)sent;
}

static inline int sock_recv_flags(int fd, void *data, size_t size, int flags) {
    wasix_iovec_t part = {.buf = data, .buf_len = size};
    uint32_t received;
    uint16_t out;
    int error = wasix_sock_recv(fd, &part, 1, (uint16_t)flags, &received, &out);
    return error ? -error : (int)received;
}

static inline int sock_send_flags(int fd, const void *data, size_t size, int flags) {
    wasix_ciovec_t part = {.buf = data, .buf_len = size};
    uint32_t sent;
    int error = wasix_sock_send(fd, &part, 1, (uint16_t)flags, &sent);
    return error ? -error : (int)sent;
}

/* Takes one datagram: who sent it, and whether its end was cut off. A stream tells FAMILY_NONE. */
static inline int sock_recv_from(int fd, void *data, size_t size, int flags, address *from, bool *cut) {
    wasix_iovec_t part = {.buf = data, .buf_len = size};
    uint32_t received;
    uint16_t out;
    wasix_addr_port_t raw;
    int error = wasix_sock_recv_from(fd, &part, 1, (uint16_t)flags, &received, &out, &raw);
    if (error) return -error;
    address_from_abi(&raw, from);
    *cut = (out & WASIX_ROFLAGS_RECV_DATA_TRUNCATED) != 0;
    return (int)received;
}

static inline int sock_send_to(int fd, const void *data, size_t size, int flags, const address *to) {
    wasix_ciovec_t part = {.buf = data, .buf_len = size};
    uint32_t sent;
    wasix_addr_port_t raw;
    address_to_abi(to, &raw);
    int error = wasix_sock_send_to(fd, &part, 1, (uint16_t)flags, &raw, &sent);
    return error ? -error : (int)sent;
}

/* Ends the association of a datagram socket with its peer. */
static inline int sock_disconnect(int fd) {
    wasix_addr_port_t nobody = {.tag = WASIX_ADDRESS_FAMILY_UNSPEC};
    return -wasix_sock_connect(fd, &nobody);
}

static inline int sock_close(int fd) {
    return -wasix_fd_close(fd);
}

static inline int sock_shutdown(int fd, int how) {
    return -wasix_sock_shutdown(fd, (uint8_t)how);
}

static inline int sock_local(int fd, address *where) {
    wasix_addr_port_t raw;
    int error = wasix_sock_addr_local(fd, &raw);
    if (error) return -error;
    address_from_abi(&raw, where);
    return 0;
}

static inline int sock_peer(int fd, address *where) {
    wasix_addr_port_t raw;
    int error = wasix_sock_addr_peer(fd, &raw);
    if (error) return -error;
    address_from_abi(&raw, where);
    return 0;
}

static inline int sock_set_nonblocking(int fd, bool on) {
    return -wasix_fd_fdstat_set_flags(fd, on ? WASIX_FDFLAGS_NONBLOCK : 0);
}

/* 1 or 0. */
static inline int sock_is_nonblocking(int fd) {
    wasix_fdstat_t status;
    int error = wasix_fd_fdstat_get(fd, &status);
    return error ? -error : (status.fs_flags & WASIX_FDFLAGS_NONBLOCK) != 0;
}

static inline int sock_set_flag(int fd, int option, bool on) {
    return -wasix_sock_set_opt_flag(fd, (uint8_t)option, on);
}

static inline int sock_get_flag(int fd, int option) {
    uint8_t on;
    int error = wasix_sock_get_opt_flag(fd, (uint8_t)option, &on);
    return error ? -error : on != 0;
}

static inline int sock_set_size(int fd, int option, int size) {
    return -wasix_sock_set_opt_size(fd, (uint8_t)option, (uint64_t)size);
}

static inline int sock_get_size(int fd, int option) {
    uint64_t size;
    int error = wasix_sock_get_opt_size(fd, (uint8_t)option, &size);
    return error ? -error : (int)size;
}

static inline int sock_set_time(int fd, int option, int milliseconds) {
    wasix_option_timestamp_t time = {.tag = WASIX_OPTION_SOME, .value = (uint64_t)milliseconds * 1000000};
    return -wasix_sock_set_opt_time(fd, (uint8_t)option, &time);
}

/* Milliseconds; 0 is no limit. */
static inline int sock_get_time(int fd, int option) {
    wasix_option_timestamp_t time;
    int error = wasix_sock_get_opt_time(fd, (uint8_t)option, &time);
    return error ? -error : time.tag == WASIX_OPTION_SOME ? (int)(time.value / 1000000) : 0;
}

/* Seconds that close waits for unsent data; negative: off. */
static inline int sock_set_linger(int fd, int seconds) {
    wasix_option_timestamp_t time = {.tag = seconds >= 0 ? WASIX_OPTION_SOME : WASIX_OPTION_NONE};
    if (seconds > 0) time.value = (uint64_t)seconds * 1000000000;
    return -wasix_sock_set_opt_time(fd, WASIX_SOCK_OPTION_LINGER, &time);
}

/* Whether it is on, and for how many seconds. */
static inline int sock_get_linger(int fd, bool *on, int *seconds) {
    wasix_option_timestamp_t time;
    int error = wasix_sock_get_opt_time(fd, WASIX_SOCK_OPTION_LINGER, &time);
    if (error) return -error;
    *on = time.tag == WASIX_OPTION_SOME;
    *seconds = *on ? (int)(time.value / 1000000000) : 0;
    return 0;
}

/* Joins or leaves a multicast group; `interface` is an address of the interface, IPv6 takes its number. */
static inline int sock_membership(int fd, bool join, const address *group, const address *interface, int number) {
    if (group->family == 6) {
        wasix_addr_ip6_t six = {0};
        memcpy(six.octets, group->ip, 16);
        return join ? -wasix_sock_join_multicast_v6(fd, &six, (uint32_t)number)
                    : -wasix_sock_leave_multicast_v6(fd, &six, (uint32_t)number);
    }
    wasix_addr_ip4_t four, local;
    memcpy(four.octets, group->ip, 4);
    memcpy(local.octets, interface->ip, 4);
    return join ? -wasix_sock_join_multicast_v4(fd, &four, &local) : -wasix_sock_leave_multicast_v4(fd, &four, &local);
}

/* Waits until one of the rows is ready: the number of ready rows, 0 after `milliseconds` (negative: for ever). */
static inline int sock_poll(watch *rows, int count, int milliseconds) {
    static wasix_subscription_t asked[2 * MAX_WATCHES + 1];
    static wasix_event_t found[2 * MAX_WATCHES + 1];
    uint32_t n = 0, events;
    for (int i = 0; i < count; i++) {
        rows[i].can_read = rows[i].can_write = false;
        for (int writing = 0; writing < 2; writing++) {
            if (!(writing ? rows[i].want_write : rows[i].want_read)) continue;
            asked[n] = (wasix_subscription_t){.userdata = (uint64_t)i};
            asked[n].u.tag = writing ? WASIX_EVENTTYPE_FD_WRITE : WASIX_EVENTTYPE_FD_READ;
            asked[n++].u.u.fd_read.file_descriptor = rows[i].fd;
        }
    }
    if (milliseconds >= 0) {
        asked[n] = (wasix_subscription_t){.userdata = UINT64_MAX};
        asked[n].u.tag = WASIX_EVENTTYPE_CLOCK;
        asked[n].u.u.clock.id = WASIX_CLOCKID_MONOTONIC;
        /* A timeout of 0 means "none" in this ABI; one nanosecond is how libc says "do not block". */
        asked[n++].u.u.clock.timeout = milliseconds ? (uint64_t)milliseconds * 1000000 : 1;
    }
    int error = wasix_poll_oneoff(asked, found, n, &events);
    if (error) return -error;
    for (uint32_t i = 0; i < events; i++) {
        if (found[i].type == WASIX_EVENTTYPE_FD_READ) rows[found[i].userdata].can_read = true;
        if (found[i].type == WASIX_EVENTTYPE_FD_WRITE) rows[found[i].userdata].can_write = true;
    }
    int ready = 0;
    for (int i = 0; i < count; i++) ready += rows[i].can_read || rows[i].can_write;
    return ready;
}

static inline int sleep_nanoseconds(uint64_t duration) {
    return -wasix_thread_sleep(duration);
}

#endif
