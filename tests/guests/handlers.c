/*
 * Signal handlers that fork and jump, in the middle of what the program does; Linux says what comes of it.
 *
 *   handlers fork | blocked | jump | out | write | nested | twice
 */
#define _GNU_SOURCE
#include "process.h"

#include <stdbool.h>
#include <unistd.h>

#define SAY(...) (printf(__VA_ARGS__), fflush(stdout))

enum { KILL = 9, USR1 = 10, USR2 = 12, MEGABYTE = 1 << 20 };

static checkpoint here;
static volatile int handled, forked, calling;
static int ends[2], tell[2];

static int collect(int pid) {
    int status = -1, found;
    while ((found = process_wait(pid, 1, &status)) == -EINTR)
        continue;
    return found == pid ? status : found;
}

/* Forks; the child goes on in the middle of what was interrupted, with `forked` set to 0. */
static void fork_handler(int number) {
    (void)number;
    handled++;
    forked = process_fork();
}

/* The same, once, and not before the program is about to block. */
static void fork_once(int number) {
    if (calling) {
        calling = 0;
        fork_handler(number);
    }
}

static void count_handler(int number) {
    (void)number;
    handled++;
}

static void jump_handler(int number) {
    if (calling) {
        calling = 0;
        process_jump(&here, number);
    }
}

/* A fork in a handler of a signal that the process sends itself. */
static void case_fork(void) {
    process_handle(USR1, fork_handler);
    int error = process_kill(process_id(), USR1);
    if (forked == 0) {
        SAY("child: kill %d, handled %d\n", error, handled);
        _exit(3);
    }
    SAY("parent: kill %d, handled %d, status %d\n", error, handled, collect(forked));
}

/* A child that sends its parent a signal again and again: one of them comes when it blocks. */
static int send_until_killed(int number) {
    int parent = process_id(), pid = process_fork();
    while (pid == 0) {
        usleep(20000);
        process_kill(parent, number);
    }
    return pid;
}

static int kill_helper(int helper) {
    process_kill(helper, KILL);
    return collect(helper);
}

/* A fork in a handler that interrupts a read: both processes find that it was interrupted. */
static void case_blocked(void) {
    char byte;
    process_pipe(ends);
    process_handle(USR1, fork_once);
    int helper = send_until_killed(USR1);
    calling = 1;
    int count = read(ends[0], &byte, 1), error = errno;
    if (forked == 0) {
        SAY("child: read %d, interrupted %d\n", count, error == EINTR);
        count = read(ends[0], &byte, 1);
        SAY("child: then read %d %c\n", count, byte);
        _exit(4);
    }
    int killed = kill_helper(helper);
    write(ends[1], "x", 1);
    SAY("parent: read %d, interrupted %d, status %d, helper %d\n", count, error == EINTR, collect(forked), killed);
}

/* A jump out of a handler that interrupts a read. */
static void case_out(void) {
    char byte;
    volatile int rounds = 0, helper = 0;
    process_pipe(ends);
    process_handle(USR1, jump_handler);
    int value = process_checkpoint(&here);
    if (rounds++ < 1) {
        helper = send_until_killed(USR1);
        calling = 1;
        int count = read(ends[0], &byte, 1);
        SAY("never: %d\n", count);
    }
    SAY("value %d rounds %d helper %d\n", value, rounds, kill_helper(helper));
    process_handle(USR2, count_handler);
    process_kill(process_id(), USR2);
    SAY("handled after it: %d\n", handled);
}

/* A jump inside of a handler. */
static void inner_handler(int number) {
    volatile int rounds = 0;
    int value = process_checkpoint(&here);
    handled += number;
    if (rounds++ < 3)
        process_jump(&here, rounds);
    SAY("inner: rounds %d value %d\n", rounds, value);
}

static void case_jump(void) {
    process_handle(USR1, inner_handler);
    SAY("kill %d\n", process_kill(process_id(), USR1));
    SAY("handled %d\n", handled);
}

/* A fork in a handler that interrupts a write of which a part is done: every byte is written once. */
static void case_write(void) {
    static char data[MEGABYTE], room[4096];
    process_pipe(ends);
    process_pipe(tell);
    process_handle(USR1, fork_once);
    int parent = process_id(), reader = process_fork();
    if (reader == 0) {
        int total = 0, count;
        close(ends[1]);
        close(tell[1]);
        int helper = process_fork();
        while (helper == 0) {
            usleep(20000);
            process_kill(parent, USR1);
        }
        read(tell[0], room, 1); /* until the write was interrupted */
        kill_helper(helper);
        while ((count = read(ends[0], room, sizeof room)) > 0)
            total += count;
        SAY("reader: %d\n", total);
        _exit(0);
    }
    calling = 1;
    close(ends[0]);
    int first = write(ends[1], data, sizeof data);
    bool part = first > 0 && first < (int)sizeof data;
    if (forked == 0) {
        SAY("child: part %d\n", part);
        close(ends[1]);
        _exit(5);
    }
    write(tell[1], "x", 1);
    int status = collect(forked), rest = sizeof data - first;
    for (int count; rest > 0; rest -= count > 0 ? count : 0)
        count = write(ends[1], data, (size_t)rest);
    close(ends[1]);
    SAY("parent: part %d, status %d, rest %d\n", part, status, rest);
    collect(reader);
}

/* Handlers in handlers, and a fork in the inner one. */
static void outer_handler(int number) {
    handled++;
    if (number == USR1) {
        process_handle(USR2, outer_handler);
        process_kill(process_id(), USR2);
        handled += 100;
    } else
        forked = process_fork();
}

static void case_nested(void) {
    process_handle(USR1, outer_handler);
    process_kill(process_id(), USR1);
    if (forked == 0) {
        SAY("child: handled %d\n", handled);
        _exit(6);
    }
    SAY("parent: status %d\n", collect(forked));
    SAY("parent: handled %d\n", handled);
}

/* The child of a fork in a handler gets signals as its parent does. */
static void case_twice(void) {
    process_handle(USR1, fork_handler);
    process_kill(process_id(), USR1);
    int first = forked;
    process_handle(USR1, count_handler);
    process_kill(process_id(), USR1);
    if (first == 0) {
        SAY("child: handled %d\n", handled);
        _exit(7);
    }
    int status = collect(first);
    SAY("parent: handled %d, status %d\n", handled, status);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"fork", case_fork}, {"blocked", case_blocked}, {"jump", case_jump},   {"out", case_out},
    {"write", case_write}, {"nested", case_nested}, {"twice", case_twice},
};

int main(int count, char **arguments) {
    for (size_t i = 0; count > 1 && i < sizeof cases / sizeof *cases; i++)
        if (!strcmp(cases[i].name, arguments[1]))
            return cases[i].run(), 0;
    fprintf(stderr, "name a case\n");
    return 2;
}
