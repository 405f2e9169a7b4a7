/*
 * vfork as wasix-libc makes it for programs with WebAssembly exceptions, which cannot save their frames: proc_fork_env
 * lets the caller go on as its child, and what would end the child returns to the parent, which jumps back to where it
 * called vfork. Natively it is vfork itself. Prints a line for each case.
 *
 *   vfork_env PATH   PATH is this program, with a slash
 *   vfork_env CODE   what it runs: tells of itself and exits with CODE; "wait" waits for ever
 */
#include "threads.h"

#include "process.h"

#include <setjmp.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 10, TERM = 15 };

static const char *path;

#ifdef __wasm__

/* The tag of longjmp's exception, which libc defines and Zig's does not. */
__asm__(".globl __c_longjmp\n.tagtype __c_longjmp i32\n__c_longjmp:\n");

/* Sources: vfork.c, _Exit.c, execv.c and unistd.h of wasix-libc. One buffer is that of the last call, the other free. */
static _Thread_local jmp_buf jumps[2];
static _Thread_local int free_jump;
static _Thread_local int child_pid;

static int vfork_internal(int jumped) {
    if (jumped) return child_pid;
    int error = wasix_proc_fork_env(&child_pid);
    if (error) return -error;
    free_jump = 1 - free_jump;
    return 0;
}

static _Noreturn void vfork_restore(void) { longjmp(jumps[1 - free_jump], 1); }

#define child_of_vfork() vfork_internal(setjmp(jumps[free_jump]))

static _Noreturn void leave(int code) {
    wasix_proc_exit2((uint32_t)code);
    vfork_restore();
}

static int run(const char *argument) {
    int error = process_exec(path, argument);
    if (!error) vfork_restore();
    return error;
}

#else

static int posix(int pid) { return pid < 0 ? -errno : pid; }

#define child_of_vfork() posix(vfork())
#define leave(code) _exit(code)
#define run(argument) process_exec(path, argument)

#endif

static int ended(int pid) {
    int status = -1;
    return process_wait(pid, WAIT, &status) == pid ? status : -1;
}

/* -- cases: each returns how the child ended -- */

static int exits(void) {
    int pid = child_of_vfork();
    if (pid == 0) leave(3);
    return ended(pid);
}

static int runs(void) {
    int pid = child_of_vfork();
    if (pid == 0) {
        run("7");
        leave(127);
    }
    return ended(pid);
}

static int finds_nothing(void) {
    const char *before = path;
    int pid = child_of_vfork();
    if (pid == 0) {
        path = "/not/there";
        leave(run("7") == -ENOENT ? 126 : 125);
    }
    path = before;
    return ended(pid);
}

/* Its memory is the parent's, its descriptors are not. */
static int shares(void) {
    static volatile int seen;
    volatile int local = 1;
    int ends[2];
    must("a pipe", process_pipe(ends));
    int pid = child_of_vfork();
    if (pid == 0) {
        seen = process_id();
        local = 2;
        close(ends[0]);
        close(ends[1]);
        leave(0);
    }
    int open = write(ends[1], "x", 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return ended(pid) + 100 * (seen == pid) + 10 * (local == 2) + open;
}

static int redirects(void) {
    char told[256] = "";
    int ends[2];
    must("a pipe", process_pipe(ends));
    fflush(stdout);
    int pid = child_of_vfork();
    if (pid == 0) {
        process_dup2(ends[1], 1);
        close(ends[0]);
        run("8");
        leave(127);
    }
    int size = 0, got;
    close(ends[1]);
    while ((got = (int)read(ends[0], told + size, sizeof told - 1 - (size_t)size)) > 0) size += got;
    close(ends[0]);
    say("redirected: %s", told);
    return ended(pid);
}

static int is_killed(void) {
    int pid = child_of_vfork();
    if (pid == 0) {
        run("wait");
        leave(127);
    }
    process_kill(pid, TERM);
    return ended(pid);
}

static int deep(int depth) {
    volatile int room[8] = {depth};
    return depth ? deep(depth - 1) + room[0] - depth : runs();
}

static int told_of[THREADS];

static void in_thread(void *argument) {
    int *told = argument;
    for (int round = 0; round < ROUNDS; round++) *told += round % 2 ? exits() : runs();
}

int main(int count, char **args) {
    path = count > 1 ? args[1] : "";
    while (!strcmp(path, "wait")) sleep_nanoseconds(1000000000);
    if (!strchr(path, '/')) {
        printf("I run with %s", path);
        return atoi(path);
    }
    say("exit: %d", exits());
    fflush(stdout);
    say(", exec: %d", runs());
    say("nothing to exec: %d", finds_nothing());
    say("shared: %d", shares());
    say("redirected: %d", redirects());
    say("killed: %d", is_killed());
    say(", deep: %d", deep(20));
    for (int round = 0; round < 100; round++)
        if (exits() != 3) say("round %d", round);
    thread made[THREADS];
    int ends[2];
    must("a pipe", process_pipe(ends));
    process_dup2(ends[1], 1); /* what they say comes in any order */
    for (int index = 0; index < THREADS; index++) thread_start(&made[index], in_thread, &told_of[index]);
    for (int index = 0; index < THREADS; index++) thread_wait(&made[index]);
    for (int index = 0; index < THREADS; index++) fprintf(stderr, "thread %d: %d\n", index, told_of[index]);
    return 0;
}
