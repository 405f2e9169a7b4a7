/* portable.h on POSIX (Linux: accept4 is what sock_accept_v2 is modelled on). */
#ifndef PORTABLE_POSIX_H
#define PORTABLE_POSIX_H

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* An option carries its level in the upper half. */
#define POSIX_OPTION(level, name) ((level) << 16 | (name))

enum {
    SOCK_TYPE_STREAM = SOCK_STREAM,
    SOCK_TYPE_DATAGRAM = SOCK_DGRAM,
    ACCEPT_NONBLOCK = SOCK_NONBLOCK,
    RECV_PEEK = MSG_PEEK,
    RECV_WAIT_ALL = MSG_WAITALL,
    RECV_REAL_SIZE = MSG_TRUNC, /* the result is the datagram's whole size */
    RECV_DONT_WAIT = MSG_DONTWAIT,
    SEND_DONT_WAIT = MSG_DONTWAIT,
    OPTION_REUSE_ADDR = POSIX_OPTION(SOL_SOCKET, SO_REUSEADDR),
    OPTION_REUSE_PORT = POSIX_OPTION(SOL_SOCKET, SO_REUSEPORT),
    OPTION_NO_DELAY = POSIX_OPTION(IPPROTO_TCP, TCP_NODELAY),
    OPTION_DONT_ROUTE = POSIX_OPTION(SOL_SOCKET, SO_DONTROUTE),
    OPTION_ONLY_V6 = POSIX_OPTION(IPPROTO_IPV6, IPV6_V6ONLY),
    OPTION_BROADCAST = POSIX_OPTION(SOL_SOCKET, SO_BROADCAST),
    OPTION_MULTICAST_LOOP_V4 = POSIX_OPTION(IPPROTO_IP, IP_MULTICAST_LOOP),
    OPTION_MULTICAST_LOOP_V6 = POSIX_OPTION(IPPROTO_IPV6, IPV6_MULTICAST_LOOP),
    OPTION_MULTICAST_TTL_V4 = POSIX_OPTION(IPPROTO_IP, IP_MULTICAST_TTL),
    OPTION_LISTENING = POSIX_OPTION(SOL_SOCKET, SO_ACCEPTCONN),
    OPTION_KEEP_ALIVE = POSIX_OPTION(SOL_SOCKET, SO_KEEPALIVE),
    OPTION_OOB_INLINE = POSIX_OPTION(SOL_SOCKET, SO_OOBINLINE),
    OPTION_RECV_BUFFER = POSIX_OPTION(SOL_SOCKET, SO_RCVBUF),
    OPTION_SEND_BUFFER = POSIX_OPTION(SOL_SOCKET, SO_SNDBUF),
    OPTION_RECV_LOWAT = POSIX_OPTION(SOL_SOCKET, SO_RCVLOWAT),
    OPTION_SEND_LOWAT = POSIX_OPTION(SOL_SOCKET, SO_SNDLOWAT),
    OPTION_RECV_TIMEOUT = POSIX_OPTION(SOL_SOCKET, SO_RCVTIMEO),
    OPTION_SEND_TIMEOUT = POSIX_OPTION(SOL_SOCKET, SO_SNDTIMEO),
    OPTION_TTL = POSIX_OPTION(IPPROTO_IP, IP_TTL), /* IPV6_UNICAST_HOPS where the socket is IPv6 */
    OPTION_TYPE = POSIX_OPTION(SOL_SOCKET, SO_TYPE),
    OPTION_PROTO = POSIX_OPTION(SOL_SOCKET, SO_PROTOCOL),
    OPTION_LAST_ERROR = POSIX_OPTION(SOL_SOCKET, SO_ERROR),
    SHUTDOWN_READ = SHUT_RD,
    SHUTDOWN_WRITE = SHUT_WR,
};

static inline int posix_result(long result) {
    return result < 0 ? -errno : (int)result;
}

static inline socklen_t address_to_posix(const address *from, struct sockaddr_storage *to) {
    memset(to, 0, sizeof *to);
    if (from->family == 6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(from->port);
        in6->sin6_scope_id = from->scope;
        memcpy(&in6->sin6_addr, from->ip, 16);
        return sizeof *in6;
    }
    struct sockaddr_in *in4 = (struct sockaddr_in *)to;
    in4->sin_family = AF_INET;
    in4->sin_port = htons(from->port);
    memcpy(&in4->sin_addr, from->ip, 4);
    return sizeof *in4;
}

static inline void address_from_posix(const struct sockaddr_storage *from, address *to) {
    memset(to, 0, sizeof *to);
    if (from->ss_family != AF_INET && from->ss_family != AF_INET6) {
        to->family = from->ss_family == AF_UNIX ? FAMILY_UNIX : FAMILY_NONE;
        return;
    }
    to->family = from->ss_family == AF_INET6 ? 6 : 4;
    if (to->family == 6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
        to->port = ntohs(in6->sin6_port);
        to->scope = in6->sin6_scope_id;
        memcpy(to->ip, &in6->sin6_addr, 16);
    } else {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)from;
        to->port = ntohs(in4->sin_port);
        memcpy(to->ip, &in4->sin_addr, 4);
    }
}

static inline int sock_open(int family, int type) {
    return posix_result(socket(family == 6 ? AF_INET6 : family == FAMILY_UNIX ? AF_UNIX : AF_INET, type, 0));
}

static inline int sock_bind(int fd, const address *where) {
    struct sockaddr_storage raw;
    socklen_t size = address_to_posix(where, &raw);
    return posix_result(bind(fd, (struct sockaddr *)&raw, size));
}

static inline int sock_listen(int fd, int backlog) {
    return posix_result(listen(fd, backlog));
}

static inline int sock_connect(int fd, const address *where) {
    struct sockaddr_storage raw;
    socklen_t size = address_to_posix(where, &raw);
    return posix_result(connect(fd, (struct sockaddr *)&raw, size));
}

/* `flags` (ACCEPT_NONBLOCK) describes the new descriptor. */
static inline int sock_accept(int fd, int flags, address *peer) {
    struct sockaddr_storage raw;
    socklen_t size = sizeof raw;
    int new_fd = accept4(fd, (struct sockaddr *)&raw, &size, flags);
    if (new_fd < 0) return -errno;
    address_from_posix(&raw, peer);
    return new_fd;
}

static inline int sock_recv(int fd, void *data, size_t size) {
    return posix_result(recv(fd, data, size, 0));
}

static inline int sock_send(int fd, const void *data, size_t size) {
    return posix_result(send(fd, data, size, MSG_NOSIGNAL));
}

static inline int sock_recv_flags(int fd, void *data, size_t size, int flags) {
    return posix_result(recv(fd, data, size, flags));
}

static inline int sock_send_flags(int fd, const void *data, size_t size, int flags) {
    return posix_result(send(fd, data, size, flags | MSG_NOSIGNAL));
}

/* Takes one datagram: who sent it, and whether its end was cut off. A stream tells FAMILY_NONE. */
static inline int sock_recv_from(int fd, void *data, size_t size, int flags, address *from, bool *cut) {
    struct sockaddr_storage raw = {0};
    struct iovec part = {.iov_base = data, .iov_len = size};
    struct msghdr message = {.msg_name = &raw, .msg_namelen = sizeof raw, .msg_iov = &part, .msg_iovlen = 1};
    int received = posix_result(recvmsg(fd, &message, flags));
    if (received < 0) return received;
    address_from_posix(&raw, from);
    *cut = (message.msg_flags & MSG_TRUNC) != 0;
    return received;
}

static inline int sock_send_to(int fd, const void *data, size_t size, int flags, const address *to) {
    struct sockaddr_storage raw;
    socklen_t length = address_to_posix(to, &raw);
    return posix_result(sendto(fd, data, size, flags | MSG_NOSIGNAL, (struct sockaddr *)&raw, length));
}

/* Ends the association of a datagram socket with its peer. */
static inline int sock_disconnect(int fd) {
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    return posix_result(connect(fd, &nobody, sizeof nobody));
}

static inline int sock_close(int fd) {
    return posix_result(close(fd));
}

static inline int sock_shutdown(int fd, int how) {
    return posix_result(shutdown(fd, how));
}

static inline int sock_local(int fd, address *where) {
    struct sockaddr_storage raw;
    socklen_t size = sizeof raw;
    if (getsockname(fd, (struct sockaddr *)&raw, &size) < 0) return -errno;
    address_from_posix(&raw, where);
    return 0;
}

static inline int sock_peer(int fd, address *where) {
    struct sockaddr_storage raw;
    socklen_t size = sizeof raw;
    if (getpeername(fd, (struct sockaddr *)&raw, &size) < 0) return -errno;
    address_from_posix(&raw, where);
    return 0;
}

static inline int sock_set_nonblocking(int fd, bool on) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -errno : posix_result(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

/* 1 or 0. */
static inline int sock_is_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -errno : (flags & O_NONBLOCK) != 0;
}

/* The option of this socket's family: the ABI has one time to live for both. */
static inline int posix_option(int fd, int option) {
    int family = 0;
    socklen_t size = sizeof family;
    if (option != OPTION_TTL || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) < 0) return option;
    return family == AF_INET6 ? POSIX_OPTION(IPPROTO_IPV6, IPV6_UNICAST_HOPS) : option;
}

static inline int sock_set_size(int fd, int option, int size) {
    option = posix_option(fd, option);
    return posix_result(setsockopt(fd, option >> 16, option & 0xffff, &size, sizeof size));
}

static inline int sock_get_size(int fd, int option) {
    int value = 0; /* some options fill only one byte */
    socklen_t size = sizeof value;
    option = posix_option(fd, option);
    int result = getsockopt(fd, option >> 16, option & 0xffff, &value, &size);
    return result < 0 ? -errno : value;
}

static inline int sock_set_flag(int fd, int option, bool on) {
    return sock_set_size(fd, option, on);
}

static inline int sock_get_flag(int fd, int option) {
    int value = sock_get_size(fd, option);
    return value < 0 ? value : value != 0;
}

static inline int sock_set_time(int fd, int option, int milliseconds) {
    struct timeval time = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
    return posix_result(setsockopt(fd, option >> 16, option & 0xffff, &time, sizeof time));
}

/* Milliseconds; 0 is no limit. */
static inline int sock_get_time(int fd, int option) {
    struct timeval time;
    socklen_t size = sizeof time;
    if (getsockopt(fd, option >> 16, option & 0xffff, &time, &size) < 0) return -errno;
    return (int)(time.tv_sec * 1000 + time.tv_usec / 1000);
}

/* Seconds that close waits for unsent data; negative: off. */
static inline int sock_set_linger(int fd, int seconds) {
    struct linger linger = {.l_onoff = seconds >= 0, .l_linger = seconds >= 0 ? seconds : 0};
    return posix_result(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

/* Whether it is on, and for how many seconds. */
static inline int sock_get_linger(int fd, bool *on, int *seconds) {
    struct linger linger;
    socklen_t size = sizeof linger;
    if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &size) < 0) return -errno;
    *on = linger.l_onoff != 0;
    *seconds = *on ? linger.l_linger : 0;
    return 0;
}

/* Joins or leaves a multicast group; `interface` is an address of the interface, IPv6 takes its number. */
static inline int sock_membership(int fd, bool join, const address *group, const address *interface, int number) {
    if (group->family == 6) {
        struct ipv6_mreq request = {.ipv6mr_interface = (unsigned)number};
        memcpy(&request.ipv6mr_multiaddr, group->ip, 16);
        int name = join ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP;
        return posix_result(setsockopt(fd, IPPROTO_IPV6, name, &request, sizeof request));
    }
    struct ip_mreq request;
    memcpy(&request.imr_multiaddr, group->ip, 4);
    memcpy(&request.imr_interface, interface->ip, 4);
    int name = join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
    return posix_result(setsockopt(fd, IPPROTO_IP, name, &request, sizeof request));
}

/* Waits until one of the rows is ready: the number of ready rows, 0 after `milliseconds` (negative: for ever). */
static inline int sock_poll(watch *rows, int count, int milliseconds) {
    static struct pollfd asked[MAX_WATCHES];
    for (int i = 0; i < count; i++) {
        short events = (short)((rows[i].want_read ? POLLIN : 0) | (rows[i].want_write ? POLLOUT : 0));
        asked[i] = (struct pollfd){.fd = rows[i].fd, .events = events};
    }
    int ready = poll(asked, (nfds_t)count, milliseconds);
    for (int i = 0; i < count; i++) {
        bool failed = (asked[i].revents & (POLLERR | POLLHUP)) != 0;
        rows[i].can_read = (asked[i].revents & POLLIN) || (failed && rows[i].want_read);
        rows[i].can_write = (asked[i].revents & POLLOUT) || (failed && rows[i].want_write);
    }
    return posix_result(ready);
}

static inline int sleep_nanoseconds(uint64_t duration) {
    struct timespec time = {.tv_sec = (time_t)(duration / 1000000000), .tv_nsec = (long)(duration % 1000000000)};
    return posix_result(nanosleep(&time, NULL));
}

#endif
