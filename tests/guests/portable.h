/*
 * One thin socket layer for the guests: WASIX when compiled to WebAssembly, POSIX otherwise, so that the same .c file
 * runs under a WASIX host and natively, and must print the same.
 *
 * Every function returns a result >= 0, or a negative errno. On WebAssembly libc's E* numbers are the ABI's errno
 * numbers, so no table stands between them. Each function is one host call (sock_poll and the options excepted).
 */
#ifndef PORTABLE_H
#define PORTABLE_H

#if !defined(__wasm__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* accept4; so this header comes first */
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Families beside 4 and 6. */
enum { FAMILY_NONE = 0, FAMILY_UNIX = 1 };

/* Where a socket is or whom it talks to. IPv4 uses the first four bytes of ip. Unix paths are texts of their own. */
typedef struct {
    int family;    /* 4 or 6; where an address is told also FAMILY_NONE or FAMILY_UNIX */
    uint16_t port; /* host order */
    uint8_t ip[16];
    uint32_t scope;
} address;

/* One row of sock_poll: what to watch for, and what was found. */
typedef struct {
    int fd;
    bool want_read, want_write;
    bool can_read, can_write;
} watch;

enum { MAX_WATCHES = 128, PATH_SIZE = 108 };

/* What sock_epoll_wait found: EPOLL_* bits, and the number that sock_epoll_ctl was given. */
typedef struct {
    uint32_t events;
    uint64_t data;
} epoll_row;

enum { MAX_EPOLL_ROWS = 256 };

#ifdef __wasm__
#include "portable_wasix.h"
#include "portable_wasix_files.h"
#else
#include "portable_posix.h"
#include "portable_posix_files.h"
#endif

/* Prints one line and flushes it, so that whoever waits for it sees it at once, also through a pipe. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

/* The name of an errno without its E; `error` may be negative, as the functions here return it. */
static inline const char *error_name(int error) {
    static char number[32];
    switch (abs(error)) {
    case 0: return "SUCCESS";
    case EACCES: return "ACCES";
    case EADDRINUSE: return "ADDRINUSE";
    case EADDRNOTAVAIL: return "ADDRNOTAVAIL";
    case EAFNOSUPPORT: return "AFNOSUPPORT";
    case EAGAIN: return "AGAIN";
    case EALREADY: return "ALREADY";
    case EBADF: return "BADF";
    case ECONNABORTED: return "CONNABORTED";
    case ECONNREFUSED: return "CONNREFUSED";
    case ECONNRESET: return "CONNRESET";
    case EDESTADDRREQ: return "DESTADDRREQ";
    case EEXIST: return "EXIST";
    case EFAULT: return "FAULT";
    case EHOSTUNREACH: return "HOSTUNREACH";
    case EINPROGRESS: return "INPROGRESS";
    case EINTR: return "INTR";
    case EINVAL: return "INVAL";
    case EIO: return "IO";
    case EISCONN: return "ISCONN";
    case ELOOP: return "LOOP";
    case EMFILE: return "MFILE";
    case EMSGSIZE: return "MSGSIZE";
    case ENETUNREACH: return "NETUNREACH";
    case ENOBUFS: return "NOBUFS";
    case ENODEV: return "NODEV";
    case ENOENT: return "NOENT";
    case ENOPROTOOPT: return "NOPROTOOPT";
    case ENOSYS: return "NOSYS";
    case ENOTCONN: return "NOTCONN";
    case ENOTSOCK: return "NOTSOCK";
    case ENOTSUP: return "NOTSUP";
    case EPERM: return "PERM";
    case EPIPE: return "PIPE";
    case EPROTO: return "PROTO";
    case EPROTONOSUPPORT: return "PROTONOSUPPORT";
    case EPROTOTYPE: return "PROTOTYPE";
    case ESPIPE: return "SPIPE";
    case ETIMEDOUT: return "TIMEDOUT";
#ifdef ENOTCAPABLE
    case ENOTCAPABLE: return "NOTCAPABLE";
#endif
    }
    snprintf(number, sizeof number, "errno %d", abs(error));
    return number;
}

/* Ends the program with a message when `result` is an error; returns it otherwise. */
static inline int must(const char *what, int result) {
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, error_name(result));
        exit(1);
    }
    return result;
}

/* Reads "127.0.0.1" or "::1" into an address; ends the program if it is neither. */
static inline address address_of(const char *ip, int port) {
    address result = {.family = strchr(ip, ':') ? 6 : 4, .port = (uint16_t)port};
    if (inet_pton(result.family == 6 ? AF_INET6 : AF_INET, ip, result.ip) != 1) {
        fprintf(stderr, "%s: not an IP address\n", ip);
        exit(2);
    }
    return result;
}

/* "1.2.3.4:80" or "[::1]:80", in a buffer that the next call overwrites. */
static inline const char *address_text(const address *a) {
    static char text[64];
    char ip[48];
    inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->ip, ip, sizeof ip);
    snprintf(text, sizeof text, a->family == 6 ? "[%s]:%u" : "%s:%u", ip, (unsigned)a->port);
    return text;
}

static inline bool address_equal(const address *a, const address *b) {
    return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* Sends all of `data`: one host call unless the peer is slow. */
static inline int sock_send_all(int fd, const void *data, size_t size) {
    for (size_t done = 0; done < size;) {
        int sent = sock_send(fd, (const char *)data + done, size - done);
        if (sent < 0) return sent;
        done += (size_t)sent;
    }
    return 0;
}

/* A bound and listening stream socket; port 0 picks a free one. `where` then holds the real address. */
static inline int sock_listener(address *where, int backlog) {
    int fd = must("open", sock_open(where->family, SOCK_TYPE_STREAM));
    must("reuse address", sock_set_flag(fd, OPTION_REUSE_ADDR, true));
    must("bind", sock_bind(fd, where));
    must("listen", sock_listen(fd, backlog));
    must("local address", sock_local(fd, where));
    return fd;
}

/* A stream socket connected to `where`. */
static inline int sock_caller(const address *where) {
    int fd = must("open", sock_open(where->family, SOCK_TYPE_STREAM));
    must("connect", sock_connect(fd, where));
    return fd;
}

#endif
