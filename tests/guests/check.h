/* Checks that print one line each: "name: ok", or "name: got X expected Y"; the program's status tells if all held. */
#ifndef CHECK_H
#define CHECK_H

#include "portable.h"

static int failed_checks;

static inline void check_text(const char *name, const char *got, const char *expected) {
    if (strcmp(got, expected) == 0) {
        say("%s: ok", name);
    } else {
        say("%s: got %s expected %s", name, got, expected);
        failed_checks++;
    }
}

static inline void check_number(const char *name, long got, long expected) {
    if (got == expected) {
        say("%s: ok", name);
    } else {
        say("%s: got %ld expected %ld", name, got, expected);
        failed_checks++;
    }
}

/* `result` is what a sock_* function returned; `expected` an errno, or 0 for any success. */
static inline void check_error(const char *name, int result, int expected) {
    check_text(name, error_name(result < 0 ? result : 0), error_name(expected));
}

static inline void check_address(const char *name, const address *got, const address *expected) {
    char text[64]; /* address_text keeps one buffer */
    snprintf(text, sizeof text, "%s", address_text(expected));
    check_text(name, address_text(got), text);
}

/* Accepts and compares the peer with the caller's own address; closes the accepted descriptor. */
static inline void check_caller(const char *name, int listener, int caller) {
    address peer, own;
    must("local address", sock_local(caller, &own));
    int accepted = sock_accept(listener, 0, &peer);
    if (accepted < 0) {
        check_error(name, accepted, 0);
        return;
    }
    check_address(name, &peer, &own);
    sock_close(accepted);
}

/* The address to test on: the first argument, or IPv4 loopback; port 0. */
static inline address test_address(int argc, char **argv) {
    return address_of(argc > 1 ? argv[1] : "127.0.0.1", 0);
}

/* The exit status. */
static inline int finish(void) {
    return failed_checks ? 1 : 0;
}

#endif
