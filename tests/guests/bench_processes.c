/*
 * What processes cost: bench_processes fork MIB COUNT | spawn NAME COUNT. Prints microseconds for each, the fastest first.
 *
 * fork touches so many MiB before, and waits for each child, which ends at once; the time is that of the parent's call.
 */
#define _GNU_SOURCE
#include "process.h"

#include <time.h>
#include <unistd.h>

enum { MOST = 1000 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int upwards(const void *one, const void *other) {
    double first = *(const double *)one, second = *(const double *)other;
    return (first > second) - (first < second);
}

int main(int count, char **args) {
    static double times[MOST];
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
