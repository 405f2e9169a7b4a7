/* Behaviours of what stands beside sockets: pipes, event counters, poll, duplicates, files, names.
   Standard input is a regular file of some bytes. */
#include "behaviours.h"

static uint64_t counted;

static void pipes(void) {
    int ends[2] = {-1, -1};
    tell("pipe", pipe_open(ends));
    tell("write into a pipe", file_write(ends[1], "hello", 5));
    tell_data("read a part from a pipe", file_read(ends[0], buffer, 2));
    tell_data("read the rest from a pipe", file_read(ends[0], buffer, 10));
    tell("read the end that is written", file_read(ends[1], buffer, 1));
    tell("write the end that is read", file_write(ends[0], "x", 1));
    must("non-blocking", sock_set_nonblocking(ends[0], true));
    tell("read an empty pipe that is non-blocking", file_read(ends[0], buffer, 1));
    tell("the other end is still blocking", sock_is_nonblocking(ends[1]));
    must("non-blocking", sock_set_nonblocking(ends[1], true));
    int result = 0, written = 0, got = 0;
    for (int i = 0; i < 1000 && result >= 0; i++) {
        result = file_write(ends[1], buffer, 4096);
        if (result > 0) written += result;
    }
    tell("write into a full pipe that is non-blocking", result);
    tell("bytes that a pipe takes", written);
    while ((result = file_read(ends[0], buffer, sizeof buffer)) > 0) got += result;
    tell_if("all of them are read", got == written);
    tell("recv from a pipe", sock_recv(ends[0], buffer, 1));
    address found;
    tell("the local address of a pipe", sock_local(ends[0], &found));
    sock_close(ends[1]);
    tell("read a pipe without writers", file_read(ends[0], buffer, 1));
    sock_close(ends[0]);
    must("pipe", pipe_open(ends));
    sock_close(ends[0]);
    tell("write into a pipe without readers", file_write(ends[1], "x", 1));
    sock_close(ends[1]);
    must("pipe", pipe_open(ends));
    int twin = must("dup", file_duplicate(ends[1]));
    sock_close(ends[1]);
    must("non-blocking", sock_set_nonblocking(ends[0], true));
    tell("a pipe has a writer while a duplicate is open", file_read(ends[0], buffer, 1));
    sock_close(twin);
    tell("a pipe has no writer when that is closed", file_read(ends[0], buffer, 1));
    sock_close(ends[0]);
}

static void counter_value(const char *name, int fd) {
    counted = 0;
    int result = file_read(fd, &counted, 8);
    if (result < 0) tell(name, result);
    else say("%s: %llu", name, (unsigned long long)counted);
}

static void counters(void) {
    uint64_t value = 4, limit = UINT64_MAX - 1, too_much = UINT64_MAX;
    int fd = counter_open(3, false);
    tell_ok("event counter", fd);
    tell("add to an event counter", file_write(fd, &value, 8));
    counter_value("read of an event counter", fd);
    must("non-blocking", sock_set_nonblocking(fd, true));
    counter_value("read of an event counter at 0", fd);
    tell("read of fewer than 8 bytes", file_read(fd, buffer, 7));
    tell("write of fewer than 8 bytes", file_write(fd, &value, 7));
    tell("add of all ones", file_write(fd, &too_much, 8));
    tell("add up to the limit", file_write(fd, &limit, 8));
    tell("add beyond the limit", file_write(fd, &value, 8));
    watch row = {.fd = fd, .want_read = true, .want_write = true};
    must("poll", sock_poll(&row, 1, 0));
    tell_if("an event counter at its limit can be read", row.can_read);
    tell_if("an event counter at its limit can be written", row.can_write);
    counter_value("read of the limit", fd);
    tell("read of 16 bytes", (file_write(fd, &value, 8), file_read(fd, buffer, 16)));
    tell("recv from an event counter", sock_recv(fd, buffer, 8));
    sock_close(fd);
    fd = must("semaphore", counter_open(2, true));
    counter_value("read of a semaphore at 2", fd);
    counter_value("read of a semaphore at 1", fd);
    must("non-blocking", sock_set_nonblocking(fd, true));
    counter_value("read of a semaphore at 0", fd);
    sock_close(fd);
}

static void tell_watch(const char *name, watch row, int milliseconds) {
    int ready = sock_poll(&row, 1, milliseconds);
    if (ready < 0) tell(name, ready);
    else
        say("%s: %s%s%s", name, row.can_read ? "read " : "", row.can_write ? "write " : "",
            ready ? "ready" : "not ready");
}

static void polling(void) {
    connection c = connected();
    watch row = {.fd = c.server, .want_read = true};
    tell_watch("poll: nothing there", row, 0);
    tell_watch("poll: a timeout passes", row, 10);
    row.want_write = true;
    tell_watch("poll: writable", row, 0);
    send_text(c.client, "x");
    must("wait", await(c.server, false));
    tell_watch("poll: readable and writable", row, 0);
    row.want_write = false;
    sock_recv(c.server, buffer, 1);
    sock_shutdown(c.client, SHUTDOWN_WRITE);
    tell_watch("poll: the peer shut down", row, PATIENCE_MS);
    row.fd = c.listener;
    tell_watch("poll: a listener without callers", row, 0);
    int caller = sock_caller(&c.where);
    tell_watch("poll: a listener with a caller", row, PATIENCE_MS);
    sock_close(caller);
    watch rows[3] = {{.fd = c.client, .want_read = true},
                     {.fd = c.listener, .want_read = true},
                     {.fd = c.server, .want_write = true}};
    tell("poll of three descriptors counts the ready ones", sock_poll(rows, 3, PATIENCE_MS));
    tell_if("the first of them is not ready", !rows[0].can_read && !rows[0].can_write);
    tell_if("the second of them is ready", rows[1].can_read);
    watch twice[2] = {{.fd = c.server, .want_read = true}, {.fd = c.server, .want_write = true}};
    tell("poll of one descriptor in two rows", sock_poll(twice, 2, 0));
    forget(&c);
    c = connected();
    must("linger", sock_set_linger(c.client, 0));
    sock_close(c.client);
    row = (watch){.fd = c.server, .want_read = true, .want_write = true};
    must("wait", await(c.server, false));
    tell_watch("poll: the peer broke off", row, PATIENCE_MS);
    sock_close(c.server);
    sock_close(c.listener);
    row = (watch){.fd = 0, .want_read = true, .want_write = false};
    tell_watch("poll: a regular file", row, 0);
}

static void duplicates(void) {
    connection c = connected();
    int twin = file_duplicate(c.server);
    tell_ok("duplicate of a socket", twin);
    sock_close(c.server);
    tell("recv on the closed number", sock_recv(c.server, buffer, 1));
    send_text(c.client, "still");
    tell_data("recv on the duplicate", sock_recv(twin, buffer, 10));
    tell("the peer sees no end while a duplicate is open", sock_recv_flags(c.client, buffer, 1, RECV_DONT_WAIT));
    sock_close(twin);
    tell("the peer sees the end when the last is closed", sock_recv(c.client, buffer, 1));
    sock_close(c.client);
    sock_close(c.listener);
    tell("duplicate of a closed descriptor", file_duplicate(c.client));

    connection a = connected(), b = connected();
    tell_if("renumber of one socket onto another", file_renumber(a.server, b.server) == b.server);
    tell("the socket that was there is closed", sock_recv(b.client, buffer, 1));
    send_text(a.client, "moved");
    tell_data("the other socket has its number", sock_recv(b.server, buffer, 10));
    tell("the old number stays open", sock_recv_flags(a.server, buffer, 1, RECV_DONT_WAIT));
    tell("renumber of a closed descriptor", file_renumber(999, b.server));
    forget(&a);
    forget(&b);
}

static void reading_and_writing(void) {
    connection c = connected();
    tell("write into a socket", file_write(c.client, "written", 7));
    tell_data("read from a socket", file_read(c.server, buffer, 10));
    tell("write of no bytes into a socket", file_write(c.client, "", 0));
    sock_shutdown(c.client, SHUTDOWN_WRITE);
    tell("write after shutdown", file_write(c.client, "x", 1));
    tell("read at the end of a socket", file_read(c.server, buffer, 1));
    forget(&c);
    int fd = fresh_stream();
    tell("read of a fresh socket", file_read(fd, buffer, 1));
    tell("write of a fresh socket", file_write(fd, "x", 1));
    sock_close(fd);
}

static void sending_files(void) {
    connection c = connected();
    tell("sendfile from the start", sock_send_file(c.client, 0, 0, 2));
    tell_data("the start of the file arrives", sock_recv(c.server, buffer, 10));
    tell("sendfile from an offset", sock_send_file(c.client, 0, 1, 1));
    tell_data("what is at the offset arrives", sock_recv(c.server, buffer, 10));
    tell_data("sendfile left the file's own position", file_read(0, buffer, 2));
    tell("sendfile beyond the end", sock_send_file(c.client, 0, 1 << 30, 10));
    tell("sendfile of no bytes", sock_send_file(c.client, 0, 0, 0));
    tell("sendfile from a socket", sock_send_file(c.client, c.server, 0, 1));
    tell("sendfile from a closed descriptor", sock_send_file(c.client, 999, 0, 1));
    tell("sendfile to a closed descriptor", sock_send_file(999, 0, 0, 1));
    sock_shutdown(c.client, SHUTDOWN_WRITE);
    tell("sendfile after shutdown", sock_send_file(c.client, 0, 0, 1));
    int fd = fresh_stream();
    tell("sendfile to a fresh socket", sock_send_file(fd, 0, 0, 1));
    sock_close(fd);
    forget(&c);
}

/* Whether a look-up found an address. */
static bool finds(const char *name, const char *ip) {
    address found[48], wanted = address_of(ip, 0);
    int count = name_lookup(name, found, 48);
    for (int i = 0; i < count; i++)
        if (found[i].family == wanted.family && memcmp(found[i].ip, wanted.ip, 16) == 0) return true;
    return false;
}

static void names(void) {
    address found[48];
    tell_if("localhost is 127.0.0.1", finds("localhost", "127.0.0.1"));
    tell("a literal IPv4 address has one address", name_lookup("192.0.2.7", found, 48));
    tell_if("a literal IPv4 address is itself", finds("192.0.2.7", "192.0.2.7"));
    tell_if("a literal IPv6 address is itself", finds("2001:db8::7", "2001:db8::7"));
    tell_if("the literal wildcard is itself", finds("0.0.0.0", "0.0.0.0"));
    tell_if("a look-up for no addresses finds none", name_lookup("127.0.0.1", found, 0) <= 0);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    polling();
    duplicates();
    reading_and_writing();
    sending_files();
    pipes();
    counters();
    names();
    return 0;
}
