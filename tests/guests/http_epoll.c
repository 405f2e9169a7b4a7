/*
 * An HTTP/1.1 server for very many connections: non-blocking sockets, one epoll, keep-alive, pipelining.
 *
 *   http_epoll [PORT] [IP]
 *
 * Every request is answered "hello"; one with a body is not for this server. A request costs one sock_recv and one
 * sock_send, and the epoll_wait that told of it and of all the others that were there. A connection that waits for
 * its next request costs no memory here but a place in a table.
 */
#include "portable.h"

#include <strings.h>

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n"
#define FOUR(text) text text text text
static const char ANSWERS[] = FOUR(FOUR(FOUR(ANSWER))); /* what pipelined requests get in one piece */
static const char BAD_REQUEST[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

enum { ANSWER_SIZE = sizeof ANSWER - 1, HEAD_SIZE = 8192, CHUNK = 16384, BACKLOG = 4096 };

/* What is left to do for a connection: most have none. */
typedef struct {
    size_t owed; /* bytes of answers that are still to be sent; nothing is read before */
    bool last;   /* it ends with them */
    size_t size; /* bytes of an unfinished request head */
    char head[HEAD_SIZE];
} rest;

static rest **rests; /* by descriptor */
static int rest_count;
static char data[HEAD_SIZE + CHUNK];
static int epoll, listener;
static bool listening; /* whether epoll tells of callers; not while descriptors have run out */

/* Ends the program if there is no memory. */
static void *memory(void *block, size_t size) {
    block = realloc(block, size);
    if (!block) must("memory", -ENOMEM);
    return block;
}

static rest *rest_of(int fd) {
    return fd < rest_count ? rests[fd] : NULL;
}

static rest *make_rest(int fd) {
    if (fd >= rest_count) {
        int count = fd + fd / 2 + 64;
        rests = memory(rests, (size_t)count * sizeof *rests);
        memset(rests + rest_count, 0, (size_t)(count - rest_count) * sizeof *rests);
        rest_count = count;
    }
    if (!rests[fd]) {
        rests[fd] = memory(NULL, sizeof **rests);
        rests[fd]->owed = rests[fd]->size = 0;
        rests[fd]->last = false;
    }
    return rests[fd];
}

static void forget_rest(int fd) {
    if (!rest_of(fd)) return;
    free(rests[fd]);
    rests[fd] = NULL;
}

/* Whether a request head wants the connection to end after the answer. */
static bool asks_to_close(const char *head, const char *end) {
    const char *line = memchr(head, '\n', (size_t)(end - head));
    bool close = line - head > 9 && memcmp(line - 9, "HTTP/1.0", 8) == 0;
    for (line++; line < end; line++) {
        if ((*line | 0x20) == 'c' && end - line > 16 && strncasecmp(line, "connection:", 11) == 0) {
            for (line += 11; *line == ' ' || *line == '\t'; line++) continue;
            if (strncasecmp(line, "close", 5) == 0) return true;
            if (strncasecmp(line, "keep-alive", 10) == 0) close = false;
        }
        line = memchr(line, '\n', (size_t)(end - line));
    }
    return close;
}

/* The end of the request head that begins at `head`, behind its empty line; NULL when it is not all there. */
static const char *end_of_head(const char *head, const char *end) {
    for (const char *at = head; (at = memchr(at, '\n', (size_t)(end - at))); at++) {
        if (end - at > 2 && at[1] == '\r' && at[2] == '\n') return at + 3;
    }
    return NULL;
}

/* Whether a head begins with a request line: "METHOD PATH HTTP/1.x". */
static bool is_request(const char *head, const char *end) {
    const char *line_end = memchr(head, '\r', (size_t)(end - head));
    return line_end && line_end - head > 11 && memcmp(line_end - 9, " HTTP/1.", 8) == 0;
}

/* Sends so many bytes of answers, whose last ones end an answer; what the client is too slow for is for later. */
static bool send_answers(int fd, size_t owed, bool last) {
    rest *later = rest_of(fd);
    bool waited = later && later->owed;
    while (owed) {
        size_t from = (ANSWER_SIZE - owed % ANSWER_SIZE) % ANSWER_SIZE, size = sizeof ANSWERS - 1 - from;
        int sent = sock_send(fd, ANSWERS + from, size < owed ? size : owed);
        if (sent == -EAGAIN) {
            later = make_rest(fd);
            later->owed = owed;
            later->last = last;
            return waited || sock_epoll_ctl(epoll, EPOLL_MODIFY, fd, EPOLL_OUT, (uint64_t)fd) == 0;
        }
        if (sent < 0) return false;
        owed -= (size_t)sent;
    }
    if (last || !waited) return !last;
    later->owed = 0;
    if (!later->size) forget_rest(fd);
    return sock_epoll_ctl(epoll, EPOLL_MODIFY, fd, EPOLL_IN, (uint64_t)fd) == 0;
}

/* Takes in what a client sent and answers every complete request; false when the connection is to end. */
static bool read_requests(int fd) {
    rest *before = rest_of(fd);
    size_t kept = before ? before->size : 0;
    int size = sock_recv(fd, data + kept, CHUNK);
    if (size <= 0) return size == -EAGAIN;
    if (kept) {
        memcpy(data, before->head, kept);
        forget_rest(fd);
    }
    const char *head = data, *end = data + kept + (size_t)size, *next;
    size_t owed = 0;
    bool last = false;
    for (; !last && (next = end_of_head(head, end)); head = next) {
        if (!is_request(head, next)) {
            if (send_answers(fd, owed, false)) sock_send(fd, BAD_REQUEST, sizeof BAD_REQUEST - 1);
            return false;
        }
        owed += ANSWER_SIZE;
        last = asks_to_close(head, next);
    }
    size_t left = (size_t)(end - head);
    if (left && !last) {
        if (left > HEAD_SIZE) return false;
        rest *later = make_rest(fd);
        memcpy(later->head, head, left);
        later->size = left;
    }
    return send_answers(fd, owed, last);
}

static void watch_callers(bool on) {
    if (on == listening) return;
    must("epoll", sock_epoll_ctl(epoll, on ? EPOLL_ADD : EPOLL_DELETE, listener, EPOLL_IN, (uint64_t)listener));
    listening = on;
}

static void serve(int fd) {
    rest *later = rest_of(fd);
    if (later && later->owed ? send_answers(fd, later->owed, later->last) : read_requests(fd)) return;
    forget_rest(fd);
    sock_epoll_ctl(epoll, EPOLL_DELETE, fd, 0, 0); /* close should do, but not every host sees to it */
    sock_close(fd);
    watch_callers(true);
}

static void take_callers(void) {
    address peer;
    int fd;
    while ((fd = sock_accept(listener, ACCEPT_NONBLOCK, &peer)) >= 0) {
        if (sock_epoll_ctl(epoll, EPOLL_ADD, fd, EPOLL_IN, (uint64_t)fd)) sock_close(fd);
    }
    if (fd == -EMFILE || fd == -ENFILE) watch_callers(false); /* the queue keeps them until a descriptor is free */
}

int main(int argc, char **argv) {
    static epoll_row rows[MAX_EPOLL_ROWS];
    address here = address_of(argc > 2 ? argv[2] : "127.0.0.1", argc > 1 ? atoi(argv[1]) : 0);
    listener = sock_listener(&here, BACKLOG);
    must("non-blocking", sock_set_nonblocking(listener, true));
    epoll = must("epoll", sock_epoll_create());
    watch_callers(true);
    say("listening on %u", (unsigned)here.port);

    for (;;) {
        int found = sock_epoll_wait(epoll, rows, MAX_EPOLL_ROWS, -1);
        if (found == -EINTR) continue;
        must("epoll_wait", found);
        for (int i = 0; i < found; i++) {
            int fd = (int)rows[i].data;
            if (fd == listener) {
                take_callers();
            } else {
                serve(fd);
            }
        }
    }
}
