/*
 * A tiny HTTP/1.1 server with keep-alive that answers "hello" to every request, on many connections at once.
 *
 *   http_server [PORT] [IP]
 *
 * It reads request heads only (a request with a body is not for it), and honours "Connection: close".
 */
#include "portable.h"

#include <strings.h>

enum { MAX_CONNECTIONS = 100, HEAD_SIZE = 8192 };

typedef struct {
    int fd;
    size_t size; /* bytes of an unfinished request head */
    char head[HEAD_SIZE + 1];
} connection;

static connection connections[MAX_CONNECTIONS];
static int connection_count;

static const char ANSWER[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: keep-alive\r\n\r\nhello\n";
static const char LAST_ANSWER[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n";
static const char BAD_REQUEST[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/* Whether a request head (NUL-terminated) asks to close the connection after the answer. */
static bool asks_to_close(const char *head) {
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, "connection:", 11) == 0) {
            line += 11;
            while (*line == ' ') line++;
            return strncasecmp(line, "close", 5) == 0;
        }
    }
    return false;
}

/* Answers one complete head; false when the connection is to end. */
static bool answer(int fd, const char *head) {
    if (!strstr(head, " HTTP/1.")) {
        sock_send_all(fd, BAD_REQUEST, sizeof BAD_REQUEST - 1);
        return false;
    }
    if (asks_to_close(head)) {
        sock_send_all(fd, LAST_ANSWER, sizeof LAST_ANSWER - 1);
        return false;
    }
    return sock_send_all(fd, ANSWER, sizeof ANSWER - 1) == 0;
}

/* Takes in what a client sent and answers every complete request; false when the connection is to end. */
static bool serve(connection *from) {
    int size = sock_recv(from->fd, from->head + from->size, HEAD_SIZE - from->size);
    if (size <= 0) return false;
    from->size += (size_t)size;
    from->head[from->size] = '\0';
    char *end;
    while ((end = strstr(from->head, "\r\n\r\n"))) {
        end[2] = '\0';
        if (!answer(from->fd, from->head)) return false;
        size_t length = (size_t)(end + 4 - from->head);
        from->size -= length;
        memmove(from->head, from->head + length, from->size + 1);
    }
    return from->size < HEAD_SIZE;
}

static void take(int listener) {
    address peer;
    int fd = sock_accept(listener, 0, &peer);
    if (fd < 0) return;
    connections[connection_count].fd = fd;
    connections[connection_count++].size = 0;
}

int main(int argc, char **argv) {
    address here = address_of(argc > 2 ? argv[2] : "127.0.0.1", argc > 1 ? atoi(argv[1]) : 0);
    int listener = sock_listener(&here, 128);
    say("listening on %u", (unsigned)here.port);

    for (;;) {
        watch rows[MAX_CONNECTIONS + 1];
        for (int i = 0; i < connection_count; i++) rows[i] = (watch){.fd = connections[i].fd, .want_read = true};
        int watched = connection_count;
        rows[watched] = (watch){.fd = listener, .want_read = true};
        bool room = watched < MAX_CONNECTIONS; /* when full, callers wait in the queue */
        must("poll", sock_poll(rows, watched + room, -1));
        for (int i = watched - 1; i >= 0; i--) {
            if (!rows[i].can_read || serve(&connections[i])) continue;
            sock_close(connections[i].fd);
            connection *last = &connections[--connection_count];
            connections[i].fd = last->fd;
            connections[i].size = last->size;
            memmove(connections[i].head, last->head, last->size + 1);
        }
        if (room && rows[watched].can_read) take(listener);
    }
}
