/* portable.h on POSIX: Unix paths, pairs, pipes, event counters, epoll, descriptors, files and names. */
#ifndef PORTABLE_POSIX_FILES_H
#define PORTABLE_POSIX_FILES_H

#include <netdb.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

enum {
    EPOLL_ADD = EPOLL_CTL_ADD,
    EPOLL_MODIFY = EPOLL_CTL_MOD,
    EPOLL_DELETE = EPOLL_CTL_DEL,
    EPOLL_IN = EPOLLIN,
    EPOLL_OUT = EPOLLOUT,
    EPOLL_RDHUP = EPOLLRDHUP,
    EPOLL_PRI = EPOLLPRI,
    EPOLL_ERR = EPOLLERR,
    EPOLL_HUP = EPOLLHUP,
    EPOLL_ONE_SHOT = EPOLLONESHOT,
};
#define EPOLL_EDGE ((uint32_t)EPOLLET) /* bit 31 does not fit an enumerator */

/* Paths begin with "/", which stands for a directory of this process alone: the current one, made when first asked. */
static inline void posix_leave_root(void);

static inline const char *posix_root(void) {
    static char directory[] = "/tmp/portable.XXXXXX";
    static bool made;
    if (!made) {
        made = true;
        if (!mkdtemp(directory) || chdir(directory) < 0) {
            perror(directory);
            exit(1);
        }
        atexit(posix_leave_root);
    }
    return directory;
}

static inline void posix_leave_root(void) {
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", posix_root());
    if (system(command) != 0) perror("rm");
}

static inline socklen_t path_to_posix(const char *path, struct sockaddr_un *to) {
    posix_root();
    memset(to, 0, sizeof *to);
    to->sun_family = AF_UNIX;
    snprintf(to->sun_path, sizeof to->sun_path, "%s", path[0] == '/' ? path + 1 : path);
    return sizeof *to;
}

/* An unnamed socket has an empty path. */
static inline void path_from_posix(const struct sockaddr_un *from, socklen_t size, char *path) {
    bool named = size > offsetof(struct sockaddr_un, sun_path) && from->sun_path[0];
    snprintf(path, PATH_SIZE, "%s%.106s", named ? "/" : "", named ? from->sun_path : "");
}

static inline int sock_bind_path(int fd, const char *path) {
    struct sockaddr_un raw;
    socklen_t size = path_to_posix(path, &raw);
    return posix_result(bind(fd, (struct sockaddr *)&raw, size));
}

static inline int sock_connect_path(int fd, const char *path) {
    struct sockaddr_un raw;
    socklen_t size = path_to_posix(path, &raw);
    return posix_result(connect(fd, (struct sockaddr *)&raw, size));
}

static inline int sock_accept_path(int fd, int flags, char *peer) {
    struct sockaddr_un raw;
    socklen_t size = sizeof raw;
    int new_fd = accept4(fd, (struct sockaddr *)&raw, &size, flags);
    if (new_fd < 0) return -errno;
    path_from_posix(&raw, size, peer);
    return new_fd;
}

static inline int sock_local_path(int fd, char *path) {
    struct sockaddr_un raw;
    socklen_t size = sizeof raw;
    if (getsockname(fd, (struct sockaddr *)&raw, &size) < 0) return -errno;
    path_from_posix(&raw, size, path);
    return 0;
}

static inline int sock_peer_path(int fd, char *path) {
    struct sockaddr_un raw;
    socklen_t size = sizeof raw;
    if (getpeername(fd, (struct sockaddr *)&raw, &size) < 0) return -errno;
    path_from_posix(&raw, size, path);
    return 0;
}

static inline int sock_send_to_path(int fd, const void *data, size_t size, int flags, const char *path) {
    struct sockaddr_un raw;
    socklen_t length = path_to_posix(path, &raw);
    return posix_result(sendto(fd, data, size, flags | MSG_NOSIGNAL, (struct sockaddr *)&raw, length));
}

static inline int sock_recv_from_path(int fd, void *data, size_t size, int flags, char *from) {
    struct sockaddr_un raw;
    socklen_t length = sizeof raw;
    int received = posix_result(recvfrom(fd, data, size, flags, (struct sockaddr *)&raw, &length));
    if (received >= 0) path_from_posix(&raw, length, from);
    return received;
}

/* Two connected sockets; `family` is FAMILY_UNIX wherever it works. */
static inline int sock_pair(int family, int type, int ends[2]) {
    int domain = family == 6 ? AF_INET6 : family == FAMILY_UNIX ? AF_UNIX : AF_INET;
    return posix_result(socketpair(domain, type, 0, ends));
}

/* ends[0] is read, ends[1] is written. */
static inline int pipe_open(int ends[2]) {
    return posix_result(pipe(ends));
}

/* An event counter (eventfd). */
static inline int counter_open(uint64_t initial, bool semaphore) {
    int fd = eventfd((unsigned)initial, semaphore ? EFD_SEMAPHORE : 0);
    return posix_result(fd);
}

static inline int file_read(int fd, void *data, size_t size) {
    return posix_result(read(fd, data, size));
}

static inline int file_write(int fd, const void *data, size_t size) {
    return posix_result(write(fd, data, size));
}

/* The lowest free number that refers to the same file. */
static inline int file_duplicate(int fd) {
    return posix_result(dup(fd));
}

/* `to` refers to the file of `from`, which stays open. */
static inline int file_renumber(int from, int to) {
    return posix_result(dup2(from, to));
}

/* Sends bytes of a file from an offset on, whose own position stays. */
static inline int sock_send_file(int fd, int file, uint64_t offset, uint64_t count) {
    off_t from = (off_t)offset;
    return posix_result(sendfile(fd, file, &from, count));
}

static inline int sock_epoll_create(void) {
    return posix_result(epoll_create1(0));
}

static inline int sock_epoll_ctl(int epoll, int operation, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return posix_result(epoll_ctl(epoll, operation, fd, operation == EPOLL_DELETE ? NULL : &event));
}

/* The number of rows found, at most `count` (no more than MAX_EPOLL_ROWS); a negative time waits for ever. */
static inline int sock_epoll_wait(int epoll, epoll_row *rows, int count, int milliseconds) {
    static struct epoll_event found[MAX_EPOLL_ROWS];
    int ready = epoll_wait(epoll, found, count < MAX_EPOLL_ROWS ? count : MAX_EPOLL_ROWS, milliseconds);
    for (int i = 0; i < ready; i++) rows[i] = (epoll_row){.events = found[i].events, .data = found[i].data.u64};
    return posix_result(ready);
}

/* The addresses of a name, at most `count`. */
static inline int name_lookup(const char *name, address *found, int count) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    if (getaddrinfo(name, NULL, &hints, &list) != 0) return -ENOENT;
    int n = 0;
    for (struct addrinfo *each = list; each && n < count; each = each->ai_next)
        address_from_posix((const struct sockaddr_storage *)each->ai_addr, &found[n++]);
    freeaddrinfo(list);
    return n;
}

#endif
