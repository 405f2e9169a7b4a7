/* One line for each behaviour of a socket, "name: result"; the same program tells them natively and as a guest. */
#ifndef BEHAVIOURS_H
#define BEHAVIOURS_H

#include "portable.h"

#ifndef __wasm__
#include <signal.h>
#endif

enum { PATIENCE_MS = 5000 }; /* what should have come at once and does not is told as AGAIN, not waited for */

static address here;             /* where to test, port 0 */
static char buffer[1 << 16];

/* Takes the IP address from the arguments. A native program that hangs is ended by an alarm. */
static inline void begin(int argc, char **argv) {
    here = address_of(argc > 1 ? argv[1] : "127.0.0.1", 0);
#ifndef __wasm__
    signal(SIGPIPE, SIG_IGN);
    alarm(60);
#endif
}

/* A number that a call gave, or the errno. */
static inline void tell(const char *name, int result) {
    if (result < 0) {
        say("%s: %s", name, error_name(result));
    } else {
        say("%s: %d", name, result);
    }
}

/* "ok" or the errno, where the number (a descriptor, a size that the kernel chose) says nothing. */
static inline void tell_ok(const char *name, int result) {
    say("%s: %s", name, result < 0 ? error_name(result) : "ok");
}

static inline void tell_text(const char *name, const char *text) {
    say("%s: %s", name, text);
}

static inline void tell_if(const char *name, bool holds) {
    say("%s: %s", name, holds ? "yes" : "no");
}

/* An errno that an option gave as a number. */
static inline void tell_errno(const char *name, int result) {
    say("%s: %s", name, error_name(result));
}

/* What was received: its text, or the errno. */
static inline void tell_data(const char *name, int received) {
    if (received < 0) {
        say("%s: %s", name, error_name(received));
    } else {
        say("%s: %d '%.*s'", name, received, received < 40 ? received : 40, buffer);
    }
}

/* An address whose port a kernel may choose: the IP address, and whether it is the one expected. */
static inline void tell_address(const char *name, int result, const address *got, const address *expected) {
    if (result < 0) {
        say("%s: %s", name, error_name(result));
        return;
    }
    address bare = *got;
    bare.port = 0;
    say("%s: %s%s", name, got->family ? address_text(&bare) : "none", address_equal(got, expected) ? "" : " (another)");
}

/* An address without what differs each time: "port" stands for any port but 0. */
static inline void tell_where(const char *name, int result, const address *got) {
    address bare = *got;
    bare.port = 0;
    if (result < 0) {
        say("%s: %s", name, error_name(result));
    } else {
        say("%s: %s%s", name, got->family ? address_text(&bare) : "none", got->port ? " with a port" : "");
    }
}

static inline int fresh(int type) {
    int fd = must("open", sock_open(here.family, type));
    must("patience", sock_set_time(fd, OPTION_RECV_TIMEOUT, PATIENCE_MS));
    return fd;
}

static inline int fresh_stream(void) {
    return fresh(SOCK_TYPE_STREAM);
}

/* The address of a port where nobody listens: the socket that holds it stays open. */
static inline address refusing(void) {
    address where = here;
    int fd = must("open", sock_open(here.family, SOCK_TYPE_STREAM));
    must("bind", sock_bind(fd, &where));
    must("local", sock_local(fd, &where));
    return where;
}

/* Two ends of a connection, and the listener that it came through. */
typedef struct {
    int listener, client, server;
    address where; /* of the listener */
    address peer;  /* what accept told */
} connection;

static inline connection connected(void) {
    connection made = {.where = here};
    made.listener = sock_listener(&made.where, 8);
    made.client = fresh_stream();
    must("connect", sock_connect(made.client, &made.where));
    made.server = must("accept", sock_accept(made.listener, 0, &made.peer));
    must("patience", sock_set_time(made.server, OPTION_RECV_TIMEOUT, PATIENCE_MS));
    return made;
}

static inline void forget(const connection *made) {
    sock_close(made->server);
    sock_close(made->client);
    sock_close(made->listener);
}

/* Sends a text from one end and says whether all of it was taken. */
static inline int send_text(int fd, const char *text) {
    return sock_send(fd, text, strlen(text));
}

/* Waits until a descriptor can be read (or written), or the patience is over: 1 or 0. */
static inline int await(int fd, bool writing) {
    watch row = {.fd = fd, .want_read = !writing, .want_write = writing};
    return sock_poll(&row, 1, PATIENCE_MS);
}

#endif
