/*
 * Processes that want everything, until they are told EAGAIN:
 *
 *   hostile_processes forks | zombies | spawns NAME
 *   hostile_processes waits COUNT
 *   hostile_processes opens COUNT
 *
 * Prints how many the first process got, and exits while the others go on; `waits` makes COUNT, which wait for ever, as
 * the first process does then. `opens` makes COUNT, each of which opens all that it may; prints how much that is together.
 */
#include "process.h"

#include <unistd.h>

static int ends[2]; /* of a pipe that nobody writes into */

static int forks(void) {
    int first = process_id(), got = 0;
    for (;;) {
        int pid = process_fork();
        if (pid == 0)
            first = 0; /* and on it goes */
        else if (pid > 0)
            got++;
        else if (pid == -EAGAIN && process_id() == first)
            return got;
    }
}

static int zombies(void) {
    int got = 0;
    for (;;) {
        int pid = process_fork();
        if (pid == 0)
            _exit(0);
        if (pid < 0)
            return pid == -EAGAIN ? got : pid;
        got++;
    }
}

static int spawns(const char *name) {
    for (int got = 0;; got++) {
        int pid = process_spawn(name);
        if (pid < 0)
            return pid == -EAGAIN ? got : pid;
    }
}

static int waits(int count) {
    int got = 0, status = 0;
    char byte;
    process_pipe(ends);
    for (int pid; got < count && (pid = process_fork()) >= 0; got++)
        if (pid == 0)
            read(ends[0], &byte, 1);
    printf("%d\n", got);
    fflush(stdout);
    return process_wait(-1, 1, &status);
}

static int opens(int count) {
    int told[2], sum = 0, mine = 0, fd;
    char byte;
    process_pipe(ends);
    process_pipe(told);
    for (int i = 0; i < count; i++)
        if (process_fork() == 0) {
            while (wasix_fd_event(0, 0, &fd) == 0) mine++;
            write(told[1], &mine, sizeof mine);
            read(ends[0], &byte, 1);
        }
    for (int i = 0; i < count; i++) {
        read(told[0], &mine, sizeof mine);
        sum += mine;
    }
    printf("%d\n", sum);
    fflush(stdout);
    return process_wait(-1, 1, &fd);
}

int main(int count, char **args) {
    int got = count < 2                       ? -1
              : !strcmp(args[1], "opens")     ? opens(count > 2 ? atoi(args[2]) : 1)
              : !strcmp(args[1], "waits")     ? waits(count > 2 ? atoi(args[2]) : 1)
              : !strcmp(args[1], "forks")     ? forks()
              : !strcmp(args[1], "zombies")   ? zombies()
              : count > 2                     ? spawns(args[2])
                                              : -1;
    printf("%d\n", got);
    fflush(stdout);
    return got < 0;
}
