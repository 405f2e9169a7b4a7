/* Times files, for bench/: bench_files MODE DIRECTORY [COUNT]. Prints "amount seconds" of what was timed, which leaves
   starting the program out. Modes: write, read (COUNT MiB in calls of 64 KiB), bytes (COUNT reads and COUNT writes of one
   byte), names (COUNT files are opened, looked at and closed). Two show what is below all files: copy (COUNT MiB from
   memory to memory, 64 KiB at a time) and calls (COUNT looks at the clock, the call in which a host has least to do). */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024 };

static char chunk[CHUNK];
static char path[4096];

static void fail(const char *what) {
    fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int opened(const char *directory, const char *name, int flags) {
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, flags, 0666);
    if (fd < 0) fail("open");
    return fd;
}

static double write_file(const char *directory, long mebibytes) {
    int fd = opened(directory, "bulk", O_CREAT | O_TRUNC | O_WRONLY);
    double start = now();
    for (long i = 0; i < mebibytes * 16; i++)
        if (write(fd, chunk, CHUNK) != CHUNK) fail("write");
    double took = now() - start;
    close(fd);
    return took;
}

static double read_file(const char *directory, long mebibytes) {
    write_file(directory, mebibytes);
    int fd = opened(directory, "bulk", O_RDONLY);
    double start = now();
    for (long i = 0; i < mebibytes * 16; i++)
        if (read(fd, chunk, CHUNK) != CHUNK) fail("read");
    double took = now() - start;
    close(fd);
    return took;
}

static double single_bytes(const char *directory, long count) {
    int fd = opened(directory, "bytes", O_CREAT | O_TRUNC | O_RDWR);
    double start = now();
    for (long i = 0; i < count; i++)
        if (write(fd, chunk, 1) != 1) fail("write");
    if (lseek(fd, 0, SEEK_SET) != 0) fail("lseek");
    for (long i = 0; i < count; i++)
        if (read(fd, chunk, 1) != 1) fail("read");
    double took = now() - start;
    close(fd);
    return took;
}

static double names(const char *directory, long count) {
    char name[32];
    for (long i = 0; i < count; i++) {
        snprintf(name, sizeof name, "f%05ld", i);
        close(opened(directory, name, O_CREAT | O_WRONLY));
    }
    double start = now();
    for (long i = 0; i < count; i++) {
        struct stat found;
        snprintf(name, sizeof name, "f%05ld", i);
        int fd = opened(directory, name, O_RDONLY);
        if (fstat(fd, &found) < 0) fail("fstat");
        close(fd);
    }
    double took = now() - start;
    for (long i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/f%05ld", directory, i);
        if (unlink(path) < 0) fail("unlink");
    }
    return took;
}

static double copy(long mebibytes) {
    size_t size = (size_t)mebibytes << 20;
    char *source = malloc(size);
    if (!source) fail("malloc");
    memset(source, 'x', size);
    double start = now();
    for (size_t at = 0; at < size; at += CHUNK) {
        memcpy(chunk, source + at, CHUNK);
        __asm__ volatile("" ::"r"(chunk) : "memory"); /* somebody reads it */
    }
    double took = now() - start;
    free(source);
    return took;
}

/* What a call costs in which the host has hardly anything to do: a look at the clock. */
static double calls(long count) {
    double start = now(), last = start;
    for (long i = 0; i < count; i++) last = now();
    return last - start;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: bench_files write|read|bytes|names|copy|calls DIRECTORY [COUNT]\n");
        return 2;
    }
    const char *mode = argv[1], *directory = argv[2];
    long given = argc > 3 ? atol(argv[3]) : 0;
    double took = 0, amount = 0;
    if (!strcmp(mode, "write") || !strcmp(mode, "read") || !strcmp(mode, "copy")) {
        long mebibytes = given ? given : 256;
        took = *mode == 'w'   ? write_file(directory, mebibytes)
               : *mode == 'r' ? read_file(directory, mebibytes)
                              : copy(mebibytes);
        amount = (double)mebibytes * 1048576;
    } else if (!strcmp(mode, "bytes")) {
        long count = given ? given : 100000;
        took = single_bytes(directory, count);
        amount = 2 * (double)count;
    } else if (!strcmp(mode, "calls")) {
        long count = given ? given : 100000;
        took = calls(count);
        amount = (double)count;
    } else {
        long count = given ? given : 10000;
        took = names(directory, count);
        amount = (double)count;
    }
    snprintf(path, sizeof path, "%s/bulk", directory);
    unlink(path);
    snprintf(path, sizeof path, "%s/bytes", directory);
    unlink(path);
    printf("%.0f %.9f\n", amount, took);
    return 0;
}
