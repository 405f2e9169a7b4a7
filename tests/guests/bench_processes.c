/*
 * What processes cost: bench_processes fork MIB COUNT | copy MIB COUNT | spawn NAME COUNT. Prints microseconds for each,
 * the fastest first. Without arguments it ends at once, so that it can be what it spawns.
 *
 * fork touches so many MiB before, and waits for each child, which ends at once; the time is that of the parent's call.
 * copy copies as many bytes into fresh memory, which is what a fork cannot do without. The time of spawn is that from the
 * call to the child's end.
 */
#define _GNU_SOURCE
#include "process.h"

#include <time.h>
#include <unistd.h>

#ifndef __wasm__
#include <sys/mman.h>
#endif

enum { MOST = 1000 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* How long it takes to copy bytes into memory that nobody has touched; a guest has no such memory twice. */
static double copied(const char *from, size_t size) {
#ifdef __wasm__
    (void)from, (void)size;
    return 0;
#else
    double began = now();
    char *to = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(to, from, size);
    double took = now() - began;
    munmap(to, size);
    return took;
#endif
}

static int upwards(const void *one, const void *other) {
    double first = *(const double *)one, second = *(const double *)other;
    return (first > second) - (first < second);
}

int main(int count, char **args) {
    static double times[MOST];
    if (count < 2)
        return 0;
    int status, rounds = count > 3 ? atoi(args[3]) : 0;
    if (rounds < 1 || rounds > MOST)
        return 2;
    if (!strcmp(args[1], "fork")) {
        size_t size = (size_t)atoi(args[2]) << 20;
        char *memory = malloc(size + 1);
        memset(memory, 1, size);
        for (int i = 0; i < rounds; i++) {
            double began = now();
            int pid = process_fork();
            times[i] = now() - began;
            if (pid == 0)
                _exit(memory[size / 2] != 1);
            if (pid < 0 || process_wait(pid, 1, &status) != pid || status)
                return 1;
        }
    } else if (!strcmp(args[1], "copy")) {
        size_t size = (size_t)atoi(args[2]) << 20;
        char *memory = malloc(size + 1);
        memset(memory, 1, size);
        for (int i = 0; i < rounds; i++)
            times[i] = copied(memory, size);
    } else
        for (int i = 0; i < rounds; i++) {
            double began = now();
            int pid = process_spawn(args[2]);
            if (pid < 0 || process_wait(pid, 1, &status) != pid || status)
                return 1;
            times[i] = now() - began;
        }
    qsort(times, (size_t)rounds, sizeof *times, upwards);
    for (int i = 0; i < rounds; i++)
        printf("%.0f\n", times[i]);
    return 0;
}
