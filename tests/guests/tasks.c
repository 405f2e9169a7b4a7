/*
 * How signals, timers, threads, futexes and pipes behave, one line for each: "name: result". The same program tells it
 * natively and as a guest.
 */
#include "signals.h"

enum { MS = 1000000, SECOND = 1000000000 };

static void tell(const char *name, int result) {
    if (result < 0) {
        say("%s: %s", name, result == -ESRCH ? "SRCH" : error_name(result));
    } else {
        say("%s: %d", name, result);
    }
}

static void tell_if(const char *name, bool holds) {
    say("%s: %s", name, holds ? "yes" : "no");
}

/* -- signals -- */

static char seen[256]; /* a letter for each handler that ran: 'a' is signal 1 */
static int seen_count;
static word seen_by; /* the thread of the last one */

static void note(int number) {
    if (seen_count < (int)sizeof seen - 1) seen[seen_count++] = (char)('a' + number - 1);
    seen_by = (uint32_t)thread_number();
}

static int by_letter(const void *one, const void *other) {
    return *(const char *)one - *(const char *)other;
}

static void tell_seen(const char *name) {
    seen[seen_count] = 0;
    say("%s: '%s'", name, seen);
    seen_count = 0;
}

static int nested_step;

static void nested(int number) {
    note(number);
    if (nested_step++ == 0) {
        signal_thread(thread_number(), number); /* waits for the end of its own handler */
        signal_thread(thread_number(), USR2);
        note(HUP); /* 'a': the handler goes on */
    }
}

static void blocks(int number) {
    note(number);
    signals_block();
    signal_thread(thread_number(), USR2);
    note(HUP);
}

static void sending(void) {
    int pid = process_number(), tid = thread_number();
    for (int number = 1; number <= 15; number++) {
        if (number != 9) on_signal(number, note);
    }
    tell("a signal to the own process", signal_process(pid, USR1));
    tell_seen("its handler has run");
    tell("a signal to the own thread", signal_thread(tid, USR2));
    tell_seen("that handler has run too");
    tell("signal 0 to the own process", signal_process(pid, 0));
    tell("signal 0 to the own thread", signal_thread(tid, 0));
    tell_seen("signal 0 is none");
    tell("a signal to nobody", signal_process(99999999, USR1));
    tell("signal 0 to nobody", signal_process(99999999, 0));
    tell("a signal to a thread that is none", signal_thread(99999999, USR1));
    tell("no such signal", signal_process(pid, 200));
    tell("no such signal to a thread", signal_thread(tid, 200));
    tell_if("the main thread has the number of the process", pid == tid);
    signals_block();
    signal_process(pid, TERM);
    signal_process(pid, USR1);
    signal_process(pid, HUP);
    signal_process(pid, USR1);
    tell_seen("blocked signals wait");
    signals_unblock();
    qsort(seen, (size_t)seen_count, 1, by_letter); /* POSIX leaves the order open */
    tell_seen("they come once each");
    on_signal(USR1, nested);
    signal_process(pid, USR1);
    tell_seen("a handler is interrupted by others, not by its own signal");
    on_signal(USR1, blocks);
    signal_process(pid, USR1);
    signals_unblock();
    tell_seen("a handler blocks what comes next");
    on_signal(USR1, note);
}

static void ignored(void) {
    on_signal(CHLD, note);
    tell("SIGCHLD", signal_process(process_number(), CHLD));
    tell_seen("SIGCHLD with a handler");
}

/* -- calls that wait -- */

static int main_tid;

/* Sends USR1 to the main thread again and again until it says that it has returned. */
static void nag(void *argument) {
    word *returned = argument;
    while (!*returned) {
        signal_thread(main_tid, USR1);
        sleep_nanoseconds(2 * MS);
    }
}

/* A call that waits for ever, unless a handler ends it. */
static void interrupted(const char *name, int (*call)(int), int fd) {
    static word returned;
    thread other;
    returned = 0;
    thread_start(&other, nag, &returned);
    int result = call(fd);
    returned = 1;
    thread_wait(&other);
    tell(name, result);
    say("%s (a handler ran): %s", name, seen_count > 0 ? "yes" : "no");
    seen_count = 0;
}

static int reads(int fd) {
    char byte;
    return file_read(fd, &byte, 1);
}

static int writes(int fd) {
    static char much[1 << 20];
    for (;;) {
        int result = file_write(fd, much, sizeof much);
        if (result < 0) return result;
    }
}

static int receives(int fd) {
    char byte;
    return sock_recv(fd, &byte, 1);
}

static int accepts(int fd) {
    address peer;
    return sock_accept(fd, 0, &peer);
}

static int sleeps(int fd) {
    (void)fd;
    return sleep_nanoseconds(60ull * SECOND);
}

static int futexes(int fd) {
    static word never;
    (void)fd;
    return futex_sleep(&never, 0, 30 * MS);
}

static void waiting(void) {
    int ends[2], pair[2];
    main_tid = thread_number();
    on_signal(USR1, note);
    pipe_open(ends);
    interrupted("reading a pipe: interrupted", reads, ends[0]);
    sock_pair(FAMILY_UNIX, SOCK_TYPE_STREAM, pair);
    interrupted("receiving: interrupted", receives, pair[0]);
    address here = address_of("127.0.0.1", 0);
    interrupted("accepting: interrupted", accepts, sock_listener(&here, 4));
    interrupted("sleeping: interrupted", sleeps, 0);
    interrupted("a futex sleeps on: its timeout", futexes, 0);
    interrupted("writing a full pipe: interrupted or a part", writes, ends[1]);
}

/* -- timers -- */

static word rings;

static void ring(int number) {
    (void)number;
    rings++;
}

static void timers(void) {
    on_signal(ALRM, ring);
    tell("a timer", signal_timer(5 * MS, false));
    while (!rings) sleep_nanoseconds(MS);
    sleep_nanoseconds(15 * MS);
    tell("it rings once", (int)rings);
    rings = 0;
    tell("a timer that repeats", signal_timer(3 * MS, true));
    while (rings < 4) sleep_nanoseconds(MS);
    tell("it is taken back", signal_timer(0, false));
    uint32_t before = rings;
    for (int step = 0; step < 10; step++) sleep_nanoseconds(2 * MS);
    tell_if("it rings no more", rings <= before + 1);
    rings = 0;
    signal_timer(60ll * SECOND, false);
    tell("another one in its place", signal_timer(5 * MS, false));
    while (!rings) sleep_nanoseconds(MS);
    tell("only the last one rings", (int)rings);
    signal_timer(0, false);
    rings = 0;
    signal_timer(5 * MS, false);
    while (!rings) continue; /* no system call */
    tell("it rings while the program computes", (int)rings);
    signals_block();
    rings = 0;
    signal_timer(2 * MS, true);
    for (int step = 0; step < 10; step++) sleep_nanoseconds(2 * MS);
    signal_timer(0, false);
    signals_unblock();
    tell("rings that were blocked count as one", (int)rings);
}

/* -- threads -- */

static word counter, gate, mutex, waiters;
static _Thread_local int own;
static int own_of[4];

static void count(void *argument) {
    (void)argument;
    for (int round = 0; round < 300; round++) {
        lock(&mutex);
        uint32_t value = counter;
        counter = value + 1;
        unlock(&mutex);
    }
}

static void keep_own(void *argument) {
    int index = (int)(intptr_t)argument;
    own = index + 10;
    counter++;
    futex_wake_all(&counter);
    await_word(&gate, 1);
    own_of[index] = own;
}

static void wait_at_gate(void *argument) {
    (void)argument;
    waiters++;
    futex_wake_all(&waiters);
    futex_sleep(&gate, 0, FOR_EVER);
    counter++;
}

static void threads(void) {
    thread made[32];
    counter = 0;
    for (int index = 0; index < 32; index++) must("a thread", thread_start(&made[index], count, NULL));
    int failed = 0;
    for (int index = 0; index < 32; index++) failed |= thread_wait(&made[index]);
    tell("waiting for 32 threads", failed);
    tell("32 threads with a mutex count", (int)counter);
    counter = gate = 0;
    own = 1;
    for (intptr_t index = 0; index < 4; index++) thread_start(&made[index], keep_own, (void *)index);
    await_word(&counter, 4);
    set_word(&gate, 1);
    for (int index = 0; index < 4; index++) thread_wait(&made[index]);
    tell("each thread has its own variable", own_of[0] + own_of[1] * 100 + own_of[2] * 10000 + own_of[3] * 1000000);
    tell("the main thread has its own too", own);
}

static void futex(void) {
    thread made[8];
    static word at;
    at = 5;
    tell("sleeping on a changed word", futex_sleep(&at, 4, FOR_EVER));
    int64_t before = now();
    tell("sleeping with a timeout", futex_sleep(&at, 5, 20 * MS));
    tell_if("the timeout took its time", now() - before >= 20 * MS);
    tell("sleeping with a timeout of nothing", futex_sleep(&at, 5, 0));
    tell("waking nobody", futex_wake(&at));
    tell("waking all of nobody", futex_wake_all(&at));
    counter = gate = waiters = 0;
    for (int index = 0; index < 8; index++) thread_start(&made[index], wait_at_gate, NULL);
    await_word(&waiters, 8);
    int woken = 0;
    while (woken < 3) woken += futex_wake(&gate); /* the gate stays shut: each wake lets one through */
    while (counter < 3) sleep_nanoseconds(MS);
    sleep_nanoseconds(5 * MS);
    tell("three wakes let through", (int)counter);
    while (counter < 8) { /* the last ones may not sleep yet */
        futex_wake_all(&gate);
        sleep_nanoseconds(MS);
    }
    for (int index = 0; index < 8; index++) thread_wait(&made[index]);
    tell("waking all lets through", (int)counter);
}

static word thread_tid, thread_over;

static void takes_signals(void *argument) {
    (void)argument;
    thread_tid = (uint32_t)thread_number();
    futex_wake_all(&thread_tid);
    while (!thread_over) sleep_nanoseconds(MS);
}

static void signals_and_threads(void) {
    thread other;
    on_signal(USR2, note);
    thread_tid = thread_over = seen_by = 0;
    seen_count = 0;
    thread_start(&other, takes_signals, NULL);
    while (!thread_tid) sleep_nanoseconds(MS);
    tell("a signal to another thread", signal_thread((int)thread_tid, USR2));
    while (!seen_by) sleep_nanoseconds(MS);
    tell_if("it runs its handler there", seen_by == thread_tid);
    seen_by = 0;
    signals_block(); /* here, not there */
    tell("a signal to the process", signal_process(process_number(), USR2));
    while (!seen_by) sleep_nanoseconds(MS);
    tell_if("a thread that does not block it takes it", seen_by == thread_tid);
    signals_unblock();
    set_word(&thread_over, 1);
    thread_wait(&other);
    seen_count = 0;
    seen_by = 0;
    signal_process(process_number(), USR2);
    while (!seen_by) sleep_nanoseconds(MS);
    tell_if("the main thread takes it when it is alone", seen_by == (uint32_t)thread_number());
    seen_count = 0;
}

/* -- pipes -- */

static void slow_reader(void *argument) {
    char data[4096];
    int fd = *(int *)argument, size, total = 0;
    while ((size = file_read(fd, data, sizeof data)) > 0) total += size;
    counter = (uint32_t)total;
}

static void pipes(void) {
    int ends[2];
    static char much[200000];
    thread reader;
    char byte;
    on_signal(BROKEN_PIPE, note);
    seen_count = 0;
    pipe_open(ends);
    tell("writing a byte", file_write(ends[1], "x", 1));
    tell("reading it", file_read(ends[0], much, sizeof much));
    counter = 0;
    thread_start(&reader, slow_reader, &ends[0]);
    tell("writing more than a pipe holds", file_write(ends[1], much, sizeof much));
    sock_close(ends[1]);
    thread_wait(&reader);
    tell("all of it was read until the end", (int)counter);
    sock_close(ends[0]);
    pipe_open(ends);
    sock_close(ends[1]);
    tell("reading a pipe that nobody writes", file_read(ends[0], &byte, 1));
    sock_close(ends[0]);
    pipe_open(ends);
    sock_close(ends[0]);
    tell("writing a pipe that nobody reads", file_write(ends[1], "x", 1));
    tell_seen("it sends SIGPIPE");
    signals_block();
    tell("writing it with signals blocked", file_write(ends[1], "x", 1));
    tell_seen("SIGPIPE waits");
    signals_unblock();
    tell_seen("and comes");
    sock_close(ends[1]);
    sock_pair(FAMILY_UNIX, SOCK_TYPE_STREAM, ends);
    sock_close(ends[0]);
    tell("writing a socket that nobody reads", file_write(ends[1], "x", 1));
    tell_seen("it sends SIGPIPE too");
    sock_close(ends[1]);
}

int main(void) {
    sending();
    ignored();
    waiting();
    timers();
    threads();
    futex();
    signals_and_threads();
    pipes();
    return 0;
}
