/*
 * Threads that jump and fork: what a thread saves is on its own stack, and only it goes on in a child.
 *
 *   thread_fork [THREADS]
 */
#include "threads.h"

#include "process.h"

enum { ROUNDS = 20 };

static word told[MAX_THREADS];
static _Thread_local int mine;

/* How often the jump came back, through frames that hold something each. */
static int deep(checkpoint *back, int depth, int value) {
    volatile int room[16] = {depth};
    if (depth) return deep(back, depth - 1, value) + room[0];
    if (value) process_jump(back, value);
    return 0;
}

static int jumps(void) {
    checkpoint here;
    int value = process_checkpoint(&here);
    if (value < ROUNDS) deep(&here, 10, value + 1);
    return value;
}

/* The exit code of a child that this thread forks: what it found to be its own. */
static int forked(int number) {
    int status = -1, pid = process_fork();
    if (pid == 0) _Exit(mine == number && jumps() == ROUNDS ? 40 + number : 1);
    if (pid < 0) return pid;
    return process_wait(pid, 1, &status) == pid ? status : -1;
}

static void work(void *argument) {
    int number = (int)(intptr_t)argument;
    mine = number;
    told[number] = (word)(jumps() * 1000 + forked(number));
}

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 4;
    static thread threads[MAX_THREADS];
    mine = -1;
    for (int i = 0; i < count; i++)
        if (thread_start(&threads[i], work, (void *)(intptr_t)i) <= 0) return 2;
    for (int i = 0; i < count; i++) thread_wait(&threads[i]);
    for (int i = 0; i < count; i++) printf("thread %d: %d\n", i, (int)told[i]);
    printf("main: %d, %d\n", mine, forked(-1));
    return 0;
}
