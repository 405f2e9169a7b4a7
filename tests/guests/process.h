/*
 * Processes for the guests: WASIX calls when compiled to WebAssembly, POSIX otherwise, so that the same .c file runs
 * under a WASIX host and natively, and must print the same. A WebAssembly build of a program that forks goes through
 * asyncify (`build.ASYNCIFY`).
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __wasm__
#include "wasix.h"

/* Where process_checkpoint was called. */
typedef struct {
    wasix_stack_snapshot_t snapshot;
} checkpoint;

/* A child's pid, 0 in the child, or a negative errno. */
static int process_fork(void) {
    int pid = -1;
    int error = wasix_proc_fork(1, &pid);
    return error ? -error : pid;
}

/* Like process_fork; the child borrows the parent's memory until it ends. */
static int process_vfork(void) {
    int pid = -1;
    int error = wasix_proc_fork(0, &pid);
    return error ? -error : pid;
}

/* How the child ended is put into *status: its exit code, or 1000 and the signal's number. pid -1 is any child.
   Returns its pid, 0 when it runs still (only without `wait`), or a negative errno. */
static int process_wait(int pid, int wait, int *status) {
    wasix_option_pid_t wanted = {.tag = pid != -1, .value = pid};
    wasix_join_status_t ended;
    int error = wasix_proc_join(&wanted, wait ? 0 : 1, &ended);
    if (error)
        return -error;
    if (ended.tag == 0)
        return 0;
    *status = ended.tag == 1 ? ended.u.exit_normal.exit_code : 1000 + ended.u.exit_signal.signal;
    return wanted.value;
}

static int process_id(void) {
    int pid = -1;
    wasix_proc_id(&pid);
    return pid;
}

static int process_parent(void) {
    int parent = -1;
    wasix_proc_parent(process_id(), &parent);
    return parent;
}

static int process_pipe(int ends[2]) { return -wasix_fd_pipe(&ends[0], &ends[1]); }

static int process_dup2(int fd, int to) { return -wasix_fd_renumber(fd, to); }

/* 0 now, and again the value of each process_jump that comes back here. */
static int process_checkpoint(checkpoint *where) {
    uint64_t value = 0;
    wasix_stack_checkpoint(&where->snapshot, &value);
    return (int)value;
}

static _Noreturn void process_jump(checkpoint *where, int value) {
    wasix_stack_restore(&where->snapshot, (uint64_t)value);
    __builtin_unreachable();
}

#else
#include <setjmp.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    jmp_buf buffer;
} checkpoint;

static int process_fork(void) {
    int pid = fork();
    return pid < 0 ? -errno : pid;
}

#define process_vfork() vfork()

static int process_wait(int pid, int wait, int *status) {
    int raw = 0;
    int found = waitpid(pid, &raw, wait ? 0 : WNOHANG);
    if (found < 0)
        return -errno;
    if (found)
        *status = WIFSIGNALED(raw) ? 1000 + WTERMSIG(raw) : WEXITSTATUS(raw);
    return found;
}

static int process_id(void) { return getpid(); }

static int process_parent(void) { return getppid(); }

static int process_pipe(int ends[2]) { return pipe(ends) ? -errno : 0; }

static int process_dup2(int fd, int to) { return dup2(fd, to) < 0 ? -errno : 0; }

#define process_checkpoint(where) setjmp((where)->buffer)

static _Noreturn void process_jump(checkpoint *where, int value) { longjmp(where->buffer, value); }

#endif

#endif
