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
static inline int process_fork(void) {
    int pid = -1;
    int error = wasix_proc_fork(1, &pid);
    return error ? -error : pid;
}

/* Like process_fork; the child borrows the parent's memory until it ends. */
static inline int process_vfork(void) {
    int pid = -1;
    int error = wasix_proc_fork(0, &pid);
    return error ? -error : pid;
}

enum { WAIT = 1, STOPPED_TOO = 2 };

/* How the child ended is put into *status: its exit code, or 1000 and the signal's number; with STOPPED_TOO also 2000 and
   the number of the signal that has stopped it. pid -1 is any child.
   Returns its pid, 0 when it runs still (only without WAIT), or a negative errno. */
static inline int process_wait(int pid, int how, int *status) {
    wasix_option_pid_t wanted = {.tag = pid != -1, .value = pid};
    wasix_join_status_t ended;
    int error = wasix_proc_join(&wanted, (how & WAIT ? 0 : 1) | (how & STOPPED_TOO), &ended);
    if (error)
        return -error;
    if (ended.tag == 0)
        return 0;
    *status = ended.tag == 1   ? ended.u.exit_normal.exit_code
              : ended.tag == 2 ? 1000 + ended.u.exit_signal.signal
                               : 2000 + ended.u.stopped.signal;
    return wanted.value;
}

/* The ABI knows no groups. Natively only the signals of a terminal and SIGTSTP care. */
static inline void process_own_group(void) {}

/* Run a program without arguments in a new process; returns its pid, or a negative errno. */
static inline int process_spawn(const char *path) {
    int pid = -1;
    int error = wasix_proc_spawn2(path, strlen(path), path, strlen(path), 0, 0, 0, 0, 0, 0, 0, 0, 0, &pid);
    return error ? -error : pid;
}

/* Run a program with one argument in this process. Returns a negative errno, or not at all. */
static inline int process_exec(const char *path, const char *argument) {
    char list[512];
    int size = snprintf(list, sizeof list, "%s\n%s\n", path, argument);
    return -wasix_proc_exec3(path, strlen(path), list, (size_t)size, 0, 0, 0, 0, 0);
}

/* Who handles each signal. The ABI has one function for all of them. */
static void (*process_handlers[32])(int);

__attribute__((export_name("__wasm_signal"))) void process_signalled(int number) {
    if (process_handlers[number & 31])
        process_handlers[number & 31](number);
}

static inline void process_handle(int number, void (*handler)(int)) {
    process_handlers[number] = handler;
    wasix_callback_signal("__wasm_signal", 13);
}

static inline int process_kill(int pid, int number) { return -wasix_proc_signal(pid, (uint8_t)number); }

static inline int process_id(void) {
    int pid = -1;
    wasix_proc_id(&pid);
    return pid;
}

static inline int process_parent(void) {
    int parent = -1;
    wasix_proc_parent(process_id(), &parent);
    return parent;
}

static inline int process_pipe(int ends[2]) { return -wasix_fd_pipe(&ends[0], &ends[1]); }

static inline int process_dup2(int fd, int to) { return -wasix_fd_renumber(fd, to); }

/* 0 now, and again the value of each process_jump that comes back here. */
static inline int process_checkpoint(checkpoint *where) {
    uint64_t value = 0;
    wasix_stack_checkpoint(&where->snapshot, &value);
    return (int)value;
}

static inline _Noreturn void process_jump(checkpoint *where, int value) {
    wasix_stack_restore(&where->snapshot, (uint64_t)value);
    __builtin_unreachable();
}

#else
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef struct {
    jmp_buf buffer;
} checkpoint;

static inline int process_fork(void) {
    int pid = fork();
    return pid < 0 ? -errno : pid;
}

#define process_vfork() vfork()

enum { WAIT = 1, STOPPED_TOO = 2 };

static inline int process_wait(int pid, int how, int *status) {
    int raw = 0;
    int found = waitpid(pid, &raw, (how & WAIT ? 0 : WNOHANG) | (how & STOPPED_TOO ? WUNTRACED : 0));
    if (found < 0)
        return -errno;
    if (found)
        *status = WIFSTOPPED(raw)    ? 2000 + WSTOPSIG(raw)
                  : WIFSIGNALED(raw) ? 1000 + WTERMSIG(raw)
                                     : WEXITSTATUS(raw);
    return found;
}

static inline void process_own_group(void) { setpgid(0, 0); }

static inline int process_spawn(const char *path) {
    char *arguments[] = {(char *)path, NULL};
    int pid = -1;
    int error = posix_spawn(&pid, path, NULL, NULL, arguments, environ);
    return error ? -error : pid;
}

static inline int process_exec(const char *path, const char *argument) {
    char *arguments[] = {(char *)path, (char *)argument, NULL};
    execv(path, arguments);
    return -errno;
}

static inline void process_handle(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler}; /* without SA_RESTART */
    sigaction(number, &action, NULL);
}

static inline int process_kill(int pid, int number) { return kill(pid, number) ? -errno : 0; }

static inline int process_id(void) { return getpid(); }

static inline int process_parent(void) { return getppid(); }

static inline int process_pipe(int ends[2]) { return pipe(ends) ? -errno : 0; }

static inline int process_dup2(int fd, int to) { return dup2(fd, to) < 0 ? -errno : 0; }

#define process_checkpoint(where) setjmp((where)->buffer)

static inline _Noreturn void process_jump(checkpoint *where, int value) { longjmp(where->buffer, value); }

#endif

#endif
