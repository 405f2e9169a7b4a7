/*
 * A chat server: a line from one client goes to all the others.
 *
 *   chat_server [PORT] [IP]
 *
 * One thread waits for all sockets at once (poll_oneoff).
 */
#include "portable.h"

enum { MAX_CLIENTS = 64, LINE_SIZE = 1024 };

typedef struct {
    int fd;
    address peer;
    size_t size; /* bytes of an unfinished line */
    char line[LINE_SIZE];
} client;

static client clients[MAX_CLIENTS];
static int client_count;

static void leave(int index) {
    say("%s left", address_text(&clients[index].peer));
    sock_close(clients[index].fd);
    clients[index] = clients[--client_count];
}

static void enter(int listener) {
    address peer;
    int fd = sock_accept(listener, 0, &peer);
    if (fd < 0) return;
    if (client_count == MAX_CLIENTS) {
        sock_close(fd);
        return;
    }
    clients[client_count++] = (client){.fd = fd, .peer = peer};
    say("%s entered", address_text(&peer));
}

static void tell_others(int speaker, const char *line, size_t size) {
    for (int i = 0; i < client_count; i++) {
        /* A client that is gone shows up as readable and leaves then. */
        if (i != speaker) sock_send_all(clients[i].fd, line, size);
    }
}

/* Takes in what a client sent and passes on whole lines; false when the client is gone. */
static bool hear(int index) {
    client *from = &clients[index];
    int size = sock_recv(from->fd, from->line + from->size, LINE_SIZE - from->size);
    if (size <= 0) return false;
    from->size += (size_t)size;
    for (;;) {
        char *end = memchr(from->line, '\n', from->size);
        if (!end && from->size < LINE_SIZE) return true;
        size_t length = end ? (size_t)(end - from->line) + 1 : LINE_SIZE; /* an overlong line goes out in pieces */
        tell_others(index, from->line, length);
        from->size -= length;
        memmove(from->line, from->line + length, from->size);
    }
}

int main(int argc, char **argv) {
    address here = address_of(argc > 2 ? argv[2] : "127.0.0.1", argc > 1 ? atoi(argv[1]) : 0);
    int listener = sock_listener(&here, 128);
    say("listening on %u", (unsigned)here.port);

    for (;;) {
        watch rows[MAX_CLIENTS + 1];
        for (int i = 0; i < client_count; i++) rows[i] = (watch){.fd = clients[i].fd, .want_read = true};
        int watched = client_count;
        rows[watched] = (watch){.fd = listener, .want_read = true};
        must("poll", sock_poll(rows, watched + 1, -1));
        /* From the end, so that a leaving client's place is taken by one that was already served. */
        for (int i = watched - 1; i >= 0; i--) {
            if (rows[i].can_read && !hear(i)) leave(i);
        }
        if (rows[watched].can_read) enter(listener);
    }
}
