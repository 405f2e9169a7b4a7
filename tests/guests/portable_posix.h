/* portable.h on POSIX (Linux: accept4 is what sock_accept_v2 is modelled on). */
#ifndef PORTABLE_POSIX_H
#define PORTABLE_POSIX_H

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    SOCK_TYPE_STREAM = SOCK_STREAM,
    SOCK_TYPE_DATAGRAM = SOCK_DGRAM,
    ACCEPT_NONBLOCK = SOCK_NONBLOCK,
    OPTION_REUSE_ADDR = SO_REUSEADDR,
    OPTION_NO_DELAY = 0x10000, /* the only option of another level than SOL_SOCKET */
    OPTION_KEEP_ALIVE = SO_KEEPALIVE,
    OPTION_RECV_BUFFER = SO_RCVBUF,
    OPTION_SEND_BUFFER = SO_SNDBUF,
    OPTION_RECV_TIMEOUT = SO_RCVTIMEO,
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
    return posix_result(socket(family == 6 ? AF_INET6 : AF_INET, type, 0));
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

static inline int sock_set_size(int fd, int option, int size) {
    int level = option == OPTION_NO_DELAY ? IPPROTO_TCP : SOL_SOCKET;
    return posix_result(setsockopt(fd, level, option == OPTION_NO_DELAY ? TCP_NODELAY : option, &size, sizeof size));
}

static inline int sock_get_size(int fd, int option) {
    int level = option == OPTION_NO_DELAY ? IPPROTO_TCP : SOL_SOCKET, value;
    socklen_t size = sizeof value;
    int result = getsockopt(fd, level, option == OPTION_NO_DELAY ? TCP_NODELAY : option, &value, &size);
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
    return posix_result(setsockopt(fd, SOL_SOCKET, option, &time, sizeof time));
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
