/*
 * What processes do, a line each; Linux says what they should be. One case is run by its name:
 *
 *   processes fork | memory | many | nested | vfork | wait | pipe | jump | volatile | deep | forkjump
 */
#include "process.h"

#include <unistd.h>

/* Both processes write to one stream: what was buffered must not come twice. */
#define SAY(...) (printf(__VA_ARGS__), fflush(stdout))

static int collect(int pid) {
    int status = -1;
    int found = process_wait(pid, 1, &status);
    return found == pid ? status : found;
}

static void case_fork(void) {
    int x = 1, parent = process_id();
    int pid = process_fork();
    if (pid == 0) {
        SAY("child: x %d, own pid %s, parent %s\n", x + 1, process_id() == parent ? "the same" : "another",
            process_parent() == parent ? "right" : "wrong");
        _exit(7);
    }
    SAY("parent: status %d, x %d\n", collect(pid), x);
}

static void case_memory(void) {
    static int global = 5;
    int *heap = malloc(1 << 20), local = 6;
    heap[1000] = 7;
    int pid = process_fork();
    if (pid == 0) {
        SAY("child sees %d %d %d\n", global, heap[1000], local);
        global = heap[1000] = local = 0;
        SAY("child has %d %d %d\n", global, heap[1000], local);
        _exit(0);
    }
    int status = collect(pid);
    SAY("parent keeps %d %d %d, status %d\n", global, heap[1000], local, status);
}

static void case_many(void) {
    int sum = 0, pids[20];
    for (int i = 0; i < 20; i++) {
        pids[i] = process_fork();
        if (pids[i] == 0)
            _exit(i);
    }
    for (int i = 0; i < 20; i++)
        sum += collect(pids[i]);
    SAY("20 children: %d\n", sum);
}

static int descend(int depth) {
    int pid;
    if (depth == 0)
        return 1;
    pid = process_fork();
    if (pid == 0)
        _exit(1 + descend(depth - 1));
    return collect(pid);
}

static void case_nested(void) { SAY("a chain of 8: %d\n", descend(8)); }

static void case_vfork(void) {
    volatile int shared = 1;
    int pid = process_vfork();
    if (pid == 0) {
        write(1, "child first\n", 12);
        _exit(3);
    }
    SAY("parent then, status %d, shared %s\n", collect(pid), shared ? "there" : "gone");
}

static void case_wait(void) {
    int ends[2], status = -1, one = process_pipe(ends);
    char byte;
    int pid = one ? one : process_fork();
    if (pid == 0) {
        close(ends[1]);
        _exit(read(ends[0], &byte, 1) == 1 ? 9 : 8); /* until the parent says so */
    }
    SAY("not yet: %d %d\n", process_wait(pid, 0, &status), process_wait(-1, 0, &status));
    SAY("no child: %d\n", process_wait(pid + 1000, 1, &status) == -ECHILD);
    write(ends[1], "x", 1);
    int found = process_wait(-1, 1, &status);
    SAY("any: %s, status %d\n", found == pid ? "it" : "another", status);
    SAY("again: %d\n", process_wait(pid, 1, &status) == -ECHILD);
    SAY("any again: %d\n", process_wait(-1, 0, &status) == -ECHILD);
}

static void case_pipe(void) {
    int ends[2], pid, total = 0, count;
    static char text[100000];
    process_pipe(ends);
    pid = process_fork();
    if (pid == 0) {
        close(ends[0]);
        process_dup2(ends[1], 1);
        close(ends[1]);
        memset(text, 'x', sizeof text);
        for (int done = 0; done < (int)sizeof text; done += count)
            count = write(1, text + done, sizeof text - done);
        _exit(0);
    }
    close(ends[1]);
    while ((count = read(ends[0], text, 3000)) > 0)
        total += count;
    SAY("%d bytes, then end of file (%d), status %d\n", total, count, collect(pid));
}

static checkpoint here, other;

static void case_jump(void) {
    for (volatile int round = 0; round < 3; round++) {
        int value = process_checkpoint(&here);
        SAY("round %d value %d\n", round, value);
        if (value < 2)
            process_jump(&here, value + 1);
    }
}

static void count_up(int *counts) {
    counts[1]++;
    process_jump(&here, 1);
}

/* C: objects in memory keep what they were given between setjmp and longjmp. */
static void case_volatile(void) {
    volatile int count = 0;
    int counts[2] = {0, 0};
    process_checkpoint(&here);
    if (count < 5) {
        count++;
        count_up(counts);
    }
    SAY("count %d, counted by another %d\n", count, counts[1]);
}

static void deeper(int depth) {
    volatile char room[100];
    room[depth % 100] = 1;
    if (depth < -1)
        return; /* for a compiler that wonders how this ends */
    if (depth == 0)
        process_jump(&here, room[depth % 100]);
    deeper(depth - 1);
    if (room[0] == 9)
        SAY("never\n");
}

static void case_deep(void) {
    volatile int rounds = 0;
    int value = process_checkpoint(&here);
    if (rounds < 50) {
        rounds++;
        deeper(100);
    }
    SAY("rounds %d value %d\n", rounds, value);
}

/* A child goes back to where its parent was before the fork. */
static void case_forkjump(void) {
    volatile int forked = 0;
    int value = process_checkpoint(&other);
    if (forked) {
        SAY("child: value %d\n", value);
        _exit(4);
    }
    int pid = process_fork();
    if (pid == 0) {
        forked = 1;
        process_jump(&other, 11);
    }
    SAY("parent: status %d, forked %d\n", collect(pid), forked);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"fork", case_fork},     {"memory", case_memory},     {"many", case_many}, {"nested", case_nested},
    {"vfork", case_vfork},   {"wait", case_wait},         {"pipe", case_pipe}, {"jump", case_jump},
    {"volatile", case_volatile}, {"deep", case_deep},     {"forkjump", case_forkjump},
};

int main(int count, char **arguments) {
    for (size_t i = 0; count > 1 && i < sizeof cases / sizeof *cases; i++)
        if (!strcmp(cases[i].name, arguments[1]))
            return cases[i].run(), 0;
    fprintf(stderr, "name a case\n");
    return 2;
}
