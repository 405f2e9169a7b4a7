/* Behaviours of socket options: what is set by default, what can be set, and what it reads as then. */
#include "behaviours.h"

static char name[80];

/* The text of a result: a number or an errno. */
static const char *text_of(int result, char *text, size_t size) {
    if (result < 0) snprintf(text, size, "%s", error_name(result));
    else snprintf(text, size, "%d", result);
    return text;
}

/* What a flag is at first, and what it is after each call that sets it, or why that call failed. */
static void flag(int fd, const char *socket, const char *option_name, int option) {
    char first[32], on[32], off[32];
    text_of(sock_get_flag(fd, option), first, sizeof first);
    int result = sock_set_flag(fd, option, true);
    text_of(result < 0 ? result : sock_get_flag(fd, option), on, sizeof on);
    result = sock_set_flag(fd, option, false);
    text_of(result < 0 ? result : sock_get_flag(fd, option), off, sizeof off);
    say("%s of %s at first, set, cleared: %s, %s, %s", option_name, socket, first, on, off);
}

static void flags(const char *socket, int fd) {
    flag(fd, socket, "REUSE_ADDR", OPTION_REUSE_ADDR);
    flag(fd, socket, "REUSE_PORT", OPTION_REUSE_PORT);
    flag(fd, socket, "KEEP_ALIVE", OPTION_KEEP_ALIVE);
    flag(fd, socket, "BROADCAST", OPTION_BROADCAST);
    flag(fd, socket, "DONT_ROUTE", OPTION_DONT_ROUTE);
    flag(fd, socket, "OOB_INLINE", OPTION_OOB_INLINE);
    flag(fd, socket, "NO_DELAY", OPTION_NO_DELAY);
    flag(fd, socket, "ONLY_V6", OPTION_ONLY_V6);
    flag(fd, socket, "MULTICAST_LOOP_V4", OPTION_MULTICAST_LOOP_V4);
    flag(fd, socket, "MULTICAST_LOOP_V6", OPTION_MULTICAST_LOOP_V6);
}

static void number(const char *socket, const char *what, int result) {
    snprintf(name, sizeof name, "%s of %s", what, socket);
    tell(name, result);
}

/* Sets a size and reads it. */
static void size(const char *socket, int fd, const char *what, int option, int value) {
    snprintf(name, sizeof name, "%s of %s set to %d", what, socket, value);
    int result = sock_set_size(fd, option, value);
    tell(name, result < 0 ? result : sock_get_size(fd, option));
}

static void sizes(const char *socket, int fd) {
    number(socket, "TYPE", sock_get_size(fd, OPTION_TYPE));
    number(socket, "PROTO", sock_get_size(fd, OPTION_PROTO));
    number(socket, "LISTENING", sock_get_flag(fd, OPTION_LISTENING));
    size(socket, fd, "SEND_BUFFER", OPTION_SEND_BUFFER, 50000);
    size(socket, fd, "SEND_BUFFER", OPTION_SEND_BUFFER, 1);
    size(socket, fd, "RECV_BUFFER", OPTION_RECV_BUFFER, 50000);
    size(socket, fd, "RECV_BUFFER", OPTION_RECV_BUFFER, 1);
    size(socket, fd, "RECV_LOWAT", OPTION_RECV_LOWAT, 3);
    number(socket, "SEND_LOWAT", sock_get_size(fd, OPTION_SEND_LOWAT));
    size(socket, fd, "SEND_LOWAT", OPTION_SEND_LOWAT, 3);
    size(socket, fd, "TTL", OPTION_TTL, 17);
    size(socket, fd, "TTL", OPTION_TTL, 0);
    size(socket, fd, "TTL", OPTION_TTL, 256);
    size(socket, fd, "MULTICAST_TTL_V4", OPTION_MULTICAST_TTL_V4, 17);
    size(socket, fd, "MULTICAST_TTL_V4", OPTION_MULTICAST_TTL_V4, 256);
}

/* What a time limit is at first, when set, and when set to 0. */
static void time_limit(const char *socket, int fd, const char *option_name, int option) {
    int first = sock_get_time(fd, option), set = sock_set_time(fd, option, 1500);
    if (set == 0) set = sock_get_time(fd, option);
    int cleared = sock_set_time(fd, option, 0);
    if (cleared == 0) cleared = sock_get_time(fd, option);
    char one[32], two[32], three[32];
    say("%s of %s at first, set to 1500 ms, set to 0: %s, %s, %s", option_name, socket, text_of(first, one, sizeof one),
        text_of(set, two, sizeof two), text_of(cleared, three, sizeof three));
}

static void times(const char *socket, int fd) {
    bool on = false;
    int seconds = 0, result = sock_get_linger(fd, &on, &seconds);
    snprintf(name, sizeof name, "LINGER of %s", socket);
    tell_text(name, result < 0 ? error_name(result) : on ? "on" : "off");
    static const int lingers[] = {5, 0, -1};
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "LINGER of %s set to %s", socket, i == 0 ? "5 s" : i == 1 ? "0 s" : "off");
        result = sock_set_linger(fd, lingers[i]);
        if (result == 0) result = sock_get_linger(fd, &on, &seconds);
        if (result < 0) tell(name, result);
        else say("%s: %s %d", name, on ? "on" : "off", seconds);
    }
    time_limit(socket, fd, "RECV_TIMEOUT", OPTION_RECV_TIMEOUT);
    time_limit(socket, fd, "SEND_TIMEOUT", OPTION_SEND_TIMEOUT);
}

static void inheritance(void) {
    address where = here;
    int listener = sock_listener(&where, 4);
    sock_set_flag(listener, OPTION_NO_DELAY, true);
    sock_set_flag(listener, OPTION_KEEP_ALIVE, true);
    sock_set_linger(listener, 7);
    sock_set_size(listener, OPTION_TTL, 33);
    sock_set_time(listener, OPTION_RECV_TIMEOUT, 4000);
    int caller = sock_caller(&where);
    address peer;
    int accepted = must("accept", sock_accept(listener, 0, &peer));
    tell("NO_DELAY comes from the listener", sock_get_flag(accepted, OPTION_NO_DELAY));
    tell("KEEP_ALIVE comes from the listener", sock_get_flag(accepted, OPTION_KEEP_ALIVE));
    tell("REUSE_ADDR comes from the listener", sock_get_flag(accepted, OPTION_REUSE_ADDR));
    tell("TTL comes from the listener", sock_get_size(accepted, OPTION_TTL));
    bool on = false;
    int seconds = 0;
    must("linger", sock_get_linger(accepted, &on, &seconds));
    tell("LINGER comes from the listener", on ? seconds : -1);
    tell("RECV_TIMEOUT of an accepted socket", sock_get_time(accepted, OPTION_RECV_TIMEOUT));
    tell("LISTENING of an accepted socket", sock_get_flag(accepted, OPTION_LISTENING));
    sock_close(accepted);
    sock_close(caller);
    sock_close(listener);
}

static void descriptors(void) {
    tell("an option of a closed descriptor", sock_get_flag(999, OPTION_KEEP_ALIVE));
    tell("set an option of a closed descriptor", sock_set_flag(999, OPTION_KEEP_ALIVE, true));
    tell("an option of standard output", sock_get_flag(1, OPTION_KEEP_ALIVE));
    tell("a size of standard output", sock_get_size(1, OPTION_TYPE));
    tell("a time of standard output", sock_get_time(1, OPTION_RECV_TIMEOUT));
    int fd = fresh_stream(), twin = must("dup", file_duplicate(fd));
    sock_set_flag(fd, OPTION_KEEP_ALIVE, true);
    tell("an option is seen through a duplicate", sock_get_flag(twin, OPTION_KEEP_ALIVE));
    must("non-blocking", sock_set_nonblocking(fd, true));
    tell("non-blocking is seen through a duplicate", sock_is_nonblocking(twin));
    sock_close(fd);
    sock_close(twin);
    if (here.family == 6) {
        fd = fresh_stream();
        must("bind", sock_bind(fd, &here));
        tell("ONLY_V6 is set after bind", sock_set_flag(fd, OPTION_ONLY_V6, true));
        sock_close(fd);
    }
}

int main(int argc, char **argv) {
    begin(argc, argv);
    static const struct {
        const char *name;
        int family, type;
    } kinds[] = {{"TCP", 0, SOCK_TYPE_STREAM},
                 {"UDP", 0, SOCK_TYPE_DATAGRAM},
                 {"a Unix stream", FAMILY_UNIX, SOCK_TYPE_STREAM}};
    for (int i = 0; i < 3; i++) {
        int fd = must("open", sock_open(kinds[i].family ? kinds[i].family : here.family, kinds[i].type));
        flags(kinds[i].name, fd);
        sizes(kinds[i].name, fd);
        times(kinds[i].name, fd);
        sock_close(fd);
    }
    inheritance();
    descriptors();
    return 0;
}
