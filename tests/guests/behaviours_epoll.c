/* Behaviours of epoll on sockets, pipes and event counters. */
#include "behaviours.h"

static epoll_row rows[MAX_EPOLL_ROWS];

/* The event bits by their names, in a fixed order. */
static const char *event_names(uint32_t events) {
    static const struct {
        uint32_t bit;
        const char *name;
    } bits[] = {{EPOLL_IN, "IN"},   {EPOLL_OUT, "OUT"}, {EPOLL_PRI, "PRI"},
                {EPOLL_ERR, "ERR"}, {EPOLL_HUP, "HUP"}, {EPOLL_RDHUP, "RDHUP"}};
    static char text[64];
    text[0] = 0;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        if (!(events & bits[i].bit)) continue;
        if (text[0]) strcat(text, " ");
        strcat(text, bits[i].name);
    }
    return text;
}

/* How many rows epoll_wait found, and the events of the first. */
static void tell_wait(const char *name, int epoll, int milliseconds) {
    int found = sock_epoll_wait(epoll, rows, 8, milliseconds);
    if (found < 0) {
        say("%s: %s", name, error_name(found));
    } else if (found == 0) {
        say("%s: nothing", name);
    } else {
        say("%s: %d, %s, data %llx", name, found, event_names(rows[0].events), (unsigned long long)rows[0].data);
    }
}

static int add(int epoll, int fd, uint32_t events, uint64_t data) {
    return sock_epoll_ctl(epoll, EPOLL_ADD, fd, events, data);
}

static void controlling(void) {
    connection c = connected();
    int epoll = sock_epoll_create();
    tell_ok("epoll_create", epoll);
    tell_wait("epoll_wait with nothing watched", epoll, 0);
    tell("epoll ADD", add(epoll, c.server, EPOLL_IN, 1));
    tell("epoll ADD twice", add(epoll, c.server, EPOLL_IN, 1));
    tell("epoll MOD", sock_epoll_ctl(epoll, EPOLL_MODIFY, c.server, EPOLL_IN | EPOLL_OUT, 2));
    tell("epoll MOD of what is not watched", sock_epoll_ctl(epoll, EPOLL_MODIFY, c.client, EPOLL_IN, 1));
    tell("epoll DEL", sock_epoll_ctl(epoll, EPOLL_DELETE, c.server, 0, 0));
    tell("epoll DEL twice", sock_epoll_ctl(epoll, EPOLL_DELETE, c.server, 0, 0));
    tell("epoll ADD of a closed descriptor", add(epoll, 999, EPOLL_IN, 1));
    tell("epoll ADD of itself", add(epoll, epoll, EPOLL_IN, 1));
    tell("epoll ADD to a socket", add(c.client, c.server, EPOLL_IN, 1));
    tell("epoll ADD to a closed descriptor", add(999, c.server, EPOLL_IN, 1));
    tell("epoll ADD of a regular file", add(epoll, 0, EPOLL_IN, 1));
    tell("epoll with an unknown operation", sock_epoll_ctl(epoll, 77, c.server, EPOLL_IN, 1));
    tell("epoll_wait for no rows", sock_epoll_wait(epoll, rows, 0, 0));
    tell("epoll_wait on a socket", sock_epoll_wait(c.client, rows, 8, 0));
    tell("epoll_wait on a closed descriptor", sock_epoll_wait(999, rows, 8, 0));
    tell("read of an epoll descriptor", file_read(epoll, buffer, 8));
    tell("write of an epoll descriptor", file_write(epoll, buffer, 8));
    tell("recv of an epoll descriptor", sock_recv(epoll, buffer, 8));
    sock_close(epoll);
    tell("epoll_wait on a closed epoll", sock_epoll_wait(epoll, rows, 8, 0));
    forget(&c);
}

static void levels(void) {
    connection c = connected();
    int epoll = must("epoll", sock_epoll_create());
    must("add", add(epoll, c.server, EPOLL_IN, 0x1122334455667788));
    tell_wait("level: nothing there", epoll, 0);
    tell_wait("level: a timeout passes", epoll, 10);
    send_text(c.client, "abc");
    tell_wait("level: readable", epoll, PATIENCE_MS);
    tell_wait("level: still readable", epoll, 0);
    sock_recv(c.server, buffer, 1);
    tell_wait("level: readable after a part was read", epoll, 0);
    sock_recv(c.server, buffer, 10);
    tell_wait("level: not readable when all was read", epoll, 0);
    sock_epoll_ctl(epoll, EPOLL_MODIFY, c.server, EPOLL_IN | EPOLL_OUT, 7);
    tell_wait("level: writable", epoll, 0);
    send_text(c.client, "abc");
    must("wait", await(c.server, false));
    tell_wait("level: readable and writable", epoll, 0);
    sock_epoll_ctl(epoll, EPOLL_MODIFY, c.server, 0, 7);
    tell_wait("level: no events asked for", epoll, 0);
    sock_epoll_ctl(epoll, EPOLL_MODIFY, c.server, EPOLL_IN | EPOLL_RDHUP, 7);
    sock_recv(c.server, buffer, 10);
    sock_shutdown(c.client, SHUTDOWN_WRITE);
    tell_wait("level: the peer shut down", epoll, PATIENCE_MS);
    sock_shutdown(c.server, SHUTDOWN_WRITE);
    must("wait", sock_recv(c.client, buffer, 1));
    tell_wait("level: both sides are shut down", epoll, PATIENCE_MS);
    sock_epoll_ctl(epoll, EPOLL_MODIFY, c.server, 0, 7);
    tell_wait("HUP is told unasked", epoll, PATIENCE_MS);
    sock_close(epoll);
    forget(&c);
}

static void edges(void) {
    connection c = connected();
    int epoll = must("epoll", sock_epoll_create());
    must("add", add(epoll, c.server, EPOLL_IN | EPOLL_EDGE, 3));
    tell_wait("edge: nothing there", epoll, 0);
    send_text(c.client, "abc");
    tell_wait("edge: readable", epoll, PATIENCE_MS);
    tell_wait("edge: told once", epoll, 0);
    sock_recv(c.server, buffer, 1);
    tell_wait("edge: reading a part is no new edge", epoll, 0);
    send_text(c.client, "d");
    tell_wait("edge: new data is a new edge", epoll, PATIENCE_MS);
    sock_epoll_ctl(epoll, EPOLL_MODIFY, c.server, EPOLL_IN | EPOLL_EDGE, 4);
    tell_wait("edge: MOD tells again", epoll, 0);
    tell_wait("edge: MOD tells once", epoll, 0);
    sock_epoll_ctl(epoll, EPOLL_DELETE, c.server, 0, 0);
    must("add", add(epoll, c.server, EPOLL_IN | EPOLL_ONE_SHOT, 5));
    tell_wait("one-shot: readable", epoll, 0);
    tell_wait("one-shot: told once", epoll, 0);
    send_text(c.client, "e");
    tell_wait("one-shot: new data is not told", epoll, 0);
    tell("one-shot: ADD finds it watched", add(epoll, c.server, EPOLL_IN, 5));
    sock_epoll_ctl(epoll, EPOLL_MODIFY, c.server, EPOLL_IN | EPOLL_ONE_SHOT, 6);
    tell_wait("one-shot: MOD arms it again", epoll, 0);
    sock_close(epoll);
    epoll = must("epoll", sock_epoll_create());
    must("add", add(epoll, c.server, EPOLL_IN | EPOLL_OUT | EPOLL_EDGE, 1));
    tell_wait("edge: readable and writable from the start", epoll, 0);
    sock_close(epoll);
    forget(&c);
}

static void errors_and_ends(void) {
    connection c = connected();
    int epoll = must("epoll", sock_epoll_create());
    must("add", add(epoll, c.server, EPOLL_IN, 1));
    must("linger", sock_set_linger(c.client, 0));
    sock_close(c.client);
    tell_wait("epoll: the peer broke off", epoll, PATIENCE_MS);
    tell("recv tells why", sock_recv(c.server, buffer, 1));
    tell_wait("epoll: after the error was told", epoll, 0);
    sock_close(c.server);
    tell_wait("epoll: a closed socket is forgotten", epoll, 0);
    sock_close(c.listener);

    address where = here, nobody = refusing();
    int fd = fresh_stream(), listener = sock_listener(&where, 4);
    must("add", add(epoll, fd, EPOLL_IN | EPOLL_OUT, 1));
    tell_wait("epoll: a fresh socket", epoll, 0);
    sock_epoll_ctl(epoll, EPOLL_MODIFY, fd, EPOLL_IN, 1);
    tell_wait("epoll: a fresh socket, for reading alone", epoll, 0);
    sock_epoll_ctl(epoll, EPOLL_DELETE, fd, 0, 0);
    must("add", add(epoll, listener, EPOLL_IN | EPOLL_OUT, 2));
    tell_wait("epoll: a listener without callers", epoll, 0);
    must("connect", sock_connect(fd, &where));
    tell_wait("epoll: a listener with a caller", epoll, PATIENCE_MS);
    sock_close(listener);
    sock_close(fd);
    fd = fresh_stream();
    must("non-blocking", sock_set_nonblocking(fd, true));
    sock_connect(fd, &nobody);
    must("wait", await(fd, true));
    must("add", add(epoll, fd, EPOLL_OUT, 3));
    tell_wait("epoll: a refused connect", epoll, PATIENCE_MS);
    sock_epoll_ctl(epoll, EPOLL_MODIFY, fd, EPOLL_IN | EPOLL_OUT, 3);
    tell_wait("epoll: a refused connect, for reading too", epoll, 0);
    sock_epoll_ctl(epoll, EPOLL_MODIFY, fd, EPOLL_IN, 3);
    tell_wait("epoll: a refused connect, for reading alone", epoll, 0);
    sock_close(fd);
    where.port = 0;
    listener = sock_listener(&where, 4);
    fd = fresh_stream();
    must("non-blocking", sock_set_nonblocking(fd, true));
    sock_connect(fd, &where);
    must("add", add(epoll, fd, EPOLL_OUT, 3));
    tell_wait("epoll: a connect that succeeded", epoll, PATIENCE_MS);
    sock_close(fd);
    sock_close(listener);
    sock_close(epoll);
}

static void duplicates(void) {
    connection c = connected();
    int epoll = must("epoll", sock_epoll_create()), twin = must("dup", file_duplicate(c.server));
    must("add", add(epoll, c.server, EPOLL_IN, 1));
    tell("epoll ADD of a duplicate", add(epoll, twin, EPOLL_IN, 2));
    send_text(c.client, "abc");
    must("wait", await(c.server, false));
    tell("epoll tells both numbers of one socket", sock_epoll_wait(epoll, rows, 8, 0));
    sock_epoll_ctl(epoll, EPOLL_DELETE, twin, 0, 0);
    tell_wait("epoll DEL of a duplicate leaves the other", epoll, 0);
    sock_close(c.server);
    tell_wait("epoll: closed, but a duplicate is open", epoll, 0);
    tell("epoll DEL of the closed number", sock_epoll_ctl(epoll, EPOLL_DELETE, c.server, 0, 0));
    sock_close(twin);
    tell_wait("epoll: the last duplicate is closed", epoll, 0);
    sock_close(c.client);
    sock_close(c.listener);

    connection other = connected();
    must("add", add(epoll, other.server, EPOLL_IN, 8));
    tell_wait("epoll: a number that is used again has no old events", epoll, 0);
    int second = must("dup", file_duplicate(epoll));
    send_text(other.client, "x");
    tell_wait("epoll_wait on a duplicate of the epoll", second, PATIENCE_MS);
    sock_close(second);
    sock_close(epoll);
    forget(&other);
}

static void nesting(void) {
    connection c = connected();
    int inner = must("epoll", sock_epoll_create()), outer = must("epoll", sock_epoll_create());
    must("add", add(inner, c.server, EPOLL_IN, 1));
    tell("epoll ADD of an epoll", add(outer, inner, EPOLL_IN, 2));
    tell("epoll ADD of a ring", add(inner, outer, EPOLL_IN, 3));
    tell_wait("epoll in epoll: nothing", outer, 0);
    watch row = {.fd = inner, .want_read = true};
    tell("poll of an epoll without events", sock_poll(&row, 1, 0));
    send_text(c.client, "x");
    tell_wait("epoll in epoll: readable", outer, PATIENCE_MS);
    tell("poll of an epoll with events", sock_poll(&row, 1, 0));
    sock_recv(c.server, buffer, 1);
    tell_wait("epoll in epoll: read away", outer, 0);
    sock_close(outer);
    sock_close(inner);
    forget(&c);
}

static void other_files(void) {
    int epoll = must("epoll", sock_epoll_create()), ends[2] = {-1, -1};
    must("pipe", pipe_open(ends));
    must("add", add(epoll, ends[0], EPOLL_IN, 1));
    tell_wait("epoll: an empty pipe", epoll, 0);
    file_write(ends[1], "x", 1);
    tell_wait("epoll: a filled pipe", epoll, 0);
    file_read(ends[0], buffer, 1);
    sock_close(ends[1]);
    tell_wait("epoll: a pipe without writers", epoll, 0);
    sock_close(ends[0]);
    must("pipe", pipe_open(ends));
    must("add", add(epoll, ends[1], EPOLL_OUT, 1));
    tell_wait("epoll: a pipe to write", epoll, 0);
    sock_close(ends[0]);
    tell_wait("epoll: a pipe without readers", epoll, 0);
    sock_close(ends[1]);

    int counter = must("counter", counter_open(0, false));
    uint64_t one = 1;
    must("add", add(epoll, counter, EPOLL_IN | EPOLL_OUT, 1));
    tell_wait("epoll: an event counter at 0", epoll, 0);
    file_write(counter, &one, 8);
    tell_wait("epoll: an event counter at 1", epoll, 0);
    sock_close(counter);

    must("pair", sock_pair(FAMILY_UNIX, SOCK_TYPE_STREAM, ends));
    must("add", add(epoll, ends[0], EPOLL_IN | EPOLL_RDHUP, 1));
    tell_wait("epoll: an idle pair", epoll, 0);
    send_text(ends[1], "x");
    tell_wait("epoll: a pair with data", epoll, 0);
    sock_close(ends[1]);
    tell_wait("epoll: a pair whose other end closed", epoll, 0);
    sock_close(ends[0]);

    address where = here;
    int receiver = fresh(SOCK_TYPE_DATAGRAM), sender = fresh(SOCK_TYPE_DATAGRAM);
    must("bind", sock_bind(receiver, &where));
    must("local", sock_local(receiver, &where));
    must("add", add(epoll, receiver, EPOLL_IN | EPOLL_OUT, 1));
    tell_wait("epoll: an idle datagram socket", epoll, 0);
    sock_send_to(sender, "", 0, 0, &where);
    must("wait", await(receiver, false));
    tell_wait("epoll: an empty datagram", epoll, PATIENCE_MS);
    sock_close(receiver);
    must("connect", sock_connect(sender, &where));
    sock_send(sender, "x", 1);
    must("wait", await(sender, false));
    must("add", add(epoll, sender, EPOLL_IN, 2));
    tell_wait("epoll: a refused datagram", epoll, PATIENCE_MS);
    sock_close(sender);
    sock_close(epoll);
}

static void many(void) {
    int epoll = must("epoll", sock_epoll_create()), ends[10][2], found = 0;
    for (int i = 0; i < 10; i++) {
        must("pipe", pipe_open(ends[i]));
        must("add", add(epoll, ends[i][0], EPOLL_IN, (uint64_t)i));
        file_write(ends[i][1], "x", 1);
    }
    tell("epoll_wait gives no more rows than asked for", sock_epoll_wait(epoll, rows, 4, 0));
    bool seen[10] = {false};
    for (int round = 0; round < 5; round++) {
        int count = sock_epoll_wait(epoll, rows, 4, 0);
        for (int i = 0; i < count; i++) seen[rows[i].data] = true;
    }
    for (int i = 0; i < 10; i++) found += seen[i];
    tell("epoll_wait comes round to all of them", found);
    for (int i = 0; i < 10; i++) {
        sock_close(ends[i][0]);
        sock_close(ends[i][1]);
    }
    tell_wait("epoll: all closed", epoll, 0);
    sock_close(epoll);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    controlling();
    levels();
    edges();
    errors_and_ends();
    duplicates();
    nesting();
    other_files();
    many();
    return 0;
}
