/* portable.h on WASIX: Unix paths, pairs, pipes, event counters, epoll, descriptors, files and names. */
#ifndef PORTABLE_WASIX_FILES_H
#define PORTABLE_WASIX_FILES_H

enum {
    EPOLL_ADD = 1, /* Linux's numbers, which libc passes on */
    EPOLL_DELETE = 2,
    EPOLL_MODIFY = 3,
    EPOLL_IN = WASIX_EPOLL_TYPE_EPOLLIN,
    EPOLL_OUT = WASIX_EPOLL_TYPE_EPOLLOUT,
    EPOLL_RDHUP = WASIX_EPOLL_TYPE_EPOLLRDHUP,
    EPOLL_PRI = WASIX_EPOLL_TYPE_EPOLLPRI,
    EPOLL_ERR = WASIX_EPOLL_TYPE_EPOLLERR,
    EPOLL_HUP = WASIX_EPOLL_TYPE_EPOLLHUP,
    EPOLL_EDGE = WASIX_EPOLL_TYPE_EPOLLET,
    EPOLL_ONE_SHOT = WASIX_EPOLL_TYPE_EPOLLONESHOT,
};

/* tag @0, then the path and a NUL. */
static inline void path_to_abi(const char *path, wasix_addr_port_t *to) {
    memset(to, 0, sizeof *to);
    to->tag = WASIX_ADDRESS_FAMILY_UNIX;
    snprintf((char *)to + 2, PATH_SIZE, "%s", path);
}

/* An unnamed socket has an empty path. */
static inline void path_from_abi(const wasix_addr_port_t *from, char *path) {
    snprintf(path, PATH_SIZE, "%.107s", from->tag == WASIX_ADDRESS_FAMILY_UNIX ? (const char *)from + 2 : "");
}

static inline int sock_bind_path(int fd, const char *path) {
    wasix_addr_port_t raw;
    path_to_abi(path, &raw);
    return -wasix_sock_bind(fd, &raw);
}

static inline int sock_connect_path(int fd, const char *path) {
    wasix_addr_port_t raw;
    path_to_abi(path, &raw);
    return -wasix_sock_connect(fd, &raw);
}

static inline int sock_accept_path(int fd, int flags, char *peer) {
    int new_fd;
    wasix_addr_port_t raw;
    int error = wasix_sock_accept_v2(fd, (uint16_t)flags, &new_fd, &raw);
    if (error) return -error;
    path_from_abi(&raw, peer);
    return new_fd;
}

static inline int sock_local_path(int fd, char *path) {
    wasix_addr_port_t raw;
    int error = wasix_sock_addr_local(fd, &raw);
    if (error) return -error;
    path_from_abi(&raw, path);
    return 0;
}

static inline int sock_peer_path(int fd, char *path) {
    wasix_addr_port_t raw;
    int error = wasix_sock_addr_peer(fd, &raw);
    if (error) return -error;
    path_from_abi(&raw, path);
    return 0;
}

static inline int sock_send_to_path(int fd, const void *data, size_t size, int flags, const char *path) {
    wasix_ciovec_t part = {.buf = data, .buf_len = size};
    uint32_t sent;
    wasix_addr_port_t raw;
    path_to_abi(path, &raw);
    int error = wasix_sock_send_to(fd, &part, 1, (uint16_t)flags, &raw, &sent);
    return error ? -error : (int)sent;
}

static inline int sock_recv_from_path(int fd, void *data, size_t size, int flags, char *from) {
    wasix_iovec_t part = {.buf = data, .buf_len = size};
    uint32_t received;
    uint16_t out;
    wasix_addr_port_t raw;
    int error = wasix_sock_recv_from(fd, &part, 1, (uint16_t)flags, &received, &out, &raw);
    if (error) return -error;
    path_from_abi(&raw, from);
    return (int)received;
}

/* Two connected sockets; `family` is FAMILY_UNIX wherever it works. */
static inline int sock_pair(int family, int type, int ends[2]) {
    return -wasix_sock_pair(family_to_abi(family), (uint8_t)type, WASIX_SOCK_PROTO_IP, &ends[0], &ends[1]);
}

/* ends[0] is read, ends[1] is written. */
static inline int pipe_open(int ends[2]) {
    return -wasix_fd_pipe(&ends[0], &ends[1]);
}

/* An event counter (eventfd). */
static inline int counter_open(uint64_t initial, bool semaphore) {
    int fd;
    int error = wasix_fd_event(initial, semaphore ? WASIX_EVENTFDFLAGS_SEMAPHORE : 0, &fd);
    return error ? -error : fd;
}

static inline int file_read(int fd, void *data, size_t size) {
    wasix_iovec_t part = {.buf = data, .buf_len = size};
    uint32_t count;
    int error = wasix_fd_read(fd, &part, 1, &count);
    return error ? -error : (int)count;
}

static inline int file_write(int fd, const void *data, size_t size) {
    wasix_ciovec_t part = {.buf = data, .buf_len = size};
    uint32_t count;
    int error = wasix_fd_write(fd, &part, 1, &count);
    return error ? -error : (int)count;
}

/* The lowest free number that refers to the same file. */
static inline int file_duplicate(int fd) {
    int new_fd;
    int error = wasix_fd_dup(fd, &new_fd);
    return error ? -error : new_fd;
}

/* `to` refers to the file of `from`, which stays open: libc makes dup2 of this call. The result is `to`. */
static inline int file_renumber(int from, int to) {
    int error = wasix_fd_renumber(from, to);
    return error ? -error : to;
}

/* Sends bytes of a file from an offset on, whose own position stays. */
static inline int sock_send_file(int fd, int file, uint64_t offset, uint64_t count) {
    uint64_t sent;
    int error = wasix_sock_send_file(fd, file, offset, count, &sent);
    return error ? -error : (int)sent;
}

static inline int sock_epoll_create(void) {
    int fd;
    int error = wasix_epoll_create(&fd);
    return error ? -error : fd;
}

static inline int sock_epoll_ctl(int epoll, int operation, int fd, uint32_t events, uint64_t data) {
    wasix_epoll_event_t event = {.events = events, .data = {.fd = fd, .data2 = data}};
    return -wasix_epoll_ctl(epoll, (uint32_t)operation, fd, operation == EPOLL_DELETE ? NULL : &event);
}

/* The number of rows found, at most `count` (no more than MAX_EPOLL_ROWS); a negative time waits for ever. */
static inline int sock_epoll_wait(int epoll, epoll_row *rows, int count, int milliseconds) {
    static wasix_epoll_event_t found[MAX_EPOLL_ROWS];
    uint32_t ready, most = (uint32_t)(count < MAX_EPOLL_ROWS ? count : MAX_EPOLL_ROWS);
    uint64_t time = milliseconds < 0 ? UINT64_MAX : (uint64_t)milliseconds * 1000000;
    int error = wasix_epoll_wait(epoll, found, most, time, &ready);
    if (error) return -error;
    for (uint32_t i = 0; i < ready; i++) rows[i] = (epoll_row){found[i].events, found[i].data.data2};
    return (int)ready;
}

/* The addresses of a name, at most `count` (no more than 48, as libc asks). */
static inline int name_lookup(const char *name, address *found, int count) {
    wasix_addr_ip_t list[48];
    uint32_t n, most = (uint32_t)(count < 48 ? count : 48);
    int error = wasix_resolve(name, (uint32_t)strlen(name), 0, list, most, &n);
    if (error) return -error;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *raw = (const uint8_t *)&list[i];
        found[i] = (address){.family = raw[0] == WASIX_ADDRESS_FAMILY_IP_INET6 ? 6 : 4};
        memcpy(found[i].ip, raw + 2, found[i].family == 6 ? 16 : 4);
    }
    return (int)n;
}

#endif
