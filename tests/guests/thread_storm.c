/*
 * Everything about threads at once, for ever: threads that start threads, sleep on futexes, compute, read a pipe that
 * nobody writes, wait for each other, and signal each other. It ends only by being killed.
 */
#include "signals.h"

enum { WORKERS = 6 };

static word hits, never, mutex;
static int ends[2];

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
        thread made[4];
        int count = 0;
        while (count < 4 && thread_start(&made[count], short_lived, NULL) > 0) count++;
        while (count > 0) thread_wait(&made[--count]);
    }
}

static void computes(void *argument) {
    (void)argument;
    for (volatile uint32_t value = 0;; value++) continue;
}

static void waits(void *argument) {
    (void)argument;
    for (;;) futex_sleep(&never, 0, hits % 2 ? FOR_EVER : 1000000);
}

static void reads(void *argument) {
    char byte;
    (void)argument;
    for (;;) file_read(ends[0], &byte, 1);
}

static void signals_all(void *argument) {
    (void)argument;
    for (;;) {
        signal_process(process_number(), USR1);
        sleep_nanoseconds(500000);
    }
}

static void wakes(void *argument) {
    (void)argument;
    for (;;) {
        futex_wake_all(&never);
        sleep_nanoseconds(300000);
    }
}

int main(void) {
    static void (*const work[WORKERS])(void *) = {starts, computes, waits, reads, signals_all, wakes};
    static thread workers[WORKERS];
    on_signal(USR1, noted);
    must("a pipe", pipe_open(ends));
    for (int index = 0; index < WORKERS; index++) must("a thread", thread_start(&workers[index], work[index], NULL));
    say("running");
    starts(NULL);
    return 0;
}
