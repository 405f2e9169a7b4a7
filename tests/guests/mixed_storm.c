/*
 * Everything that a program can be made of at once, for ever: threads that fork, spawn, exec, start threads, pipe to all
 * of them, sleep on futexes, signal, stop and kill each other, on a terminal that is set raw and back. It ends only by being
 * killed.
 *
 *   mixed_storm         the storm; the command "storm" is this program again
 *   mixed_storm leaf    a child of it: threads that copy standard input to standard output
 */
#include "threads.h"

#include "process.h"

#include <unistd.h>

enum { CHUNK = 512, CHILD = 8, CONTINUE = 18, STOP = 19 };

static word hits, never, mutex, first;

static void noted(int number) {
    (void)number;
    hits++;
}

static void short_lived(void *argument) {
    (void)argument;
    lock(&mutex);
    hits++;
    unlock(&mutex);
}

static void starts(void *argument) {
    (void)argument;
    for (;;) {
        thread made[3];
        int count = 0;
        while (count < 3 && thread_start(&made[count], short_lived, NULL) > 0) count++;
        while (count > 0) thread_wait(&made[--count]);
    }
}

static void copies(void *argument) {
    char data[CHUNK];
    (void)argument;
    for (int size; (size = file_read(0, data, sizeof data)) > 0;) file_write(1, data, (size_t)size);
}

static int leaf(void) {
    thread made[3];
    int count = 0;
    while (count < 3 && thread_start(&made[count], copies, NULL) > 0) count++;
    while (count > 0) thread_wait(&made[--count]);
    return 0;
}

/* Runs "storm leaf" with a pipe from and one to the caller, whose ends are put into `ends`. */
static int spawn_leaf(int ends[2]) {
    static const char name[] = "storm", args[] = "storm\nleaf\n";
    int to[2], from[2], pid = -1;
    if (process_pipe(to)) return -1;
    if (process_pipe(from)) return close(to[0]), close(to[1]), -1;
    wasix_proc_spawn_fd_op_t operations[] = {
        {.cmd = 1, .fd = 0, .src_fd = to[0]}, {.cmd = 1, .fd = 1, .src_fd = from[1]}, {.cmd = 0, .fd = to[0]},
        {.cmd = 0, .fd = to[1]},              {.cmd = 0, .fd = from[0]},              {.cmd = 0, .fd = from[1]},
    };
    int error = wasix_proc_spawn2(name, sizeof name - 1, args, sizeof args - 1, 0, 0, operations, 6, 0, 0, 1, 0, 0, &pid);
    close(to[0]);
    close(from[1]);
    ends[0] = from[0];
    ends[1] = to[1];
    return error ? -error : pid;
}

static void spawns(void *argument) {
    (void)argument;
    for (int round = 0;; round++) {
        char data[CHUNK] = "to a leaf and back";
        int ends[2] = {-1, -1}, status, pid = spawn_leaf(ends);
        if (pid > 0) {
            file_write(ends[1], data, sizeof data);
            if (round % 3) file_read(ends[0], data, sizeof data);
            if (round % 4 == 0) process_kill(pid, 9);
        }
        close(ends[1]);
        close(ends[0]);
        if (pid > 0) process_wait(pid, 1, &status);
    }
}

/* What a fork of this program does: it is a process with one thread, which starts others. */
static void be_a_child(int round, int writing) {
    static const char name[] = "storm", args[] = "storm\nleaf\n";
    thread made;
    int status;
    if (round % 2 && thread_start(&made, short_lived, NULL) > 0) thread_wait(&made);
    file_write(writing, "child", 5);
    if (round % 4 == 1 && process_fork() == 0) futex_sleep(&never, 0, FOR_EVER); /* an orphan that never ends */
    if (round % 4 == 2) wasix_proc_exec3(name, sizeof name - 1, args, sizeof args - 1, 0, 0, 1, 0, 0);
    if (round % 4 == 3) {
        int pid = process_vfork();
        if (pid == 0) _Exit(3);
        if (pid > 0) process_wait(pid, 1, &status);
    }
    _Exit(0);
}

static void forks(void *argument) {
    (void)argument;
    for (int round = 0;; round++) {
        char data[CHILD];
        int ends[2], status;
        if (process_pipe(ends)) continue;
        int pid = process_fork();
        if (pid == 0) be_a_child(round, ends[1]);
        close(ends[1]);
        if (pid > 0) file_read(ends[0], data, sizeof data);
        close(ends[0]);
        if (pid <= 0) continue;
        if (round % 3 == 0 && process_kill(pid, STOP) == 0) {
            process_wait(pid, WAIT | STOPPED_TOO, &status);
            process_kill(pid, round % 2 ? CONTINUE : 9);
        }
        if (round % 4 != 0) process_kill(pid, 9); /* maybe while it runs another program */
        process_wait(pid, 1, &status);
    }
}

static void waits(void *argument) {
    (void)argument;
    for (;;) futex_sleep(&never, 0, hits % 2 ? FOR_EVER : 1000000);
}

static void disturbs(void *argument) {
    (void)argument;
    for (;;) {
        futex_wake_all(&never);
        process_kill((int)first, 10);
        sleep_nanoseconds(400000);
    }
}

static void types(void *argument) {
    char key;
    (void)argument;
    for (;;) file_read(0, &key, 1);
}

/* Raw and back, without end, with a little computing in between. */
static void sets_modes(void *argument) {
    wasix_tty_t tty;
    (void)argument;
    if (wasix_tty_get(&tty)) return;
    for (uint8_t raw = 1;; raw ^= 1) {
        tty.echo = tty.line_buffered = tty.line_feeds = raw ^ 1;
        wasix_tty_set(&tty);
        file_write(1, ".", 1);
        for (volatile uint32_t value = 0; value < 20000; value++) continue;
    }
}

int main(int count, char **args) {
    static void (*const work[])(void *) = {starts, spawns, forks, forks, waits, disturbs, types};
    static thread workers[sizeof work / sizeof *work];
    (void)args;
    if (count > 1) return leaf();
    first = (word)process_id();
    process_handle(10, noted);
    for (size_t index = 0; index < sizeof work / sizeof *work; index++) thread_start(&workers[index], work[index], NULL);
    sets_modes(NULL);
    starts(NULL);
    return 0;
}
