/*
 * Signals in a few functions: natively with sigaction (a handler ends the call that it interrupts), and as a guest with
 * the ABI alone. A guest has one function for all signals; which handler runs is its own business.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "threads.h"

enum { MOST_SIGNALS = 32, HUP = 1, INT = 2, USR1 = 10, USR2 = 12, BROKEN_PIPE = 13, ALRM = 14, TERM = 15, CHLD = 17 };

#ifdef __wasm__

static void (*signal_handlers[MOST_SIGNALS])(int);

__attribute__((export_name("__wasm_signal"))) void __wasm_signal(int number) {
    if (signal_handlers[number]) signal_handlers[number](number);
}

static inline void signals_unblock(void) {
    wasix_callback_signal("__wasm_signal", 13);
}

static inline void signals_block(void) {
    wasix_callback_signal("nothing of this name", 20);
}

static inline void on_signal(int number, void (*run)(int)) {
    signal_handlers[number] = run;
    signals_unblock();
}

static inline int process_number(void) {
    int pid = 0;
    wasix_proc_id(&pid);
    return pid;
}

static inline int signal_process(int pid, int number) {
    return -wasix_proc_signal(pid, (uint8_t)number);
}

static inline int signal_thread(int tid, int number) {
    return -wasix_thread_signal(tid, (uint8_t)number);
}

/* ALRM after a time, or after each such time; 0 takes it back. */
static inline int signal_timer(int64_t nanoseconds, bool again) {
    return -wasix_proc_raise_interval(ALRM, (uint64_t)nanoseconds, again);
}

#else

#include <signal.h>

static inline void signals_unblock(void) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
}

static inline void signals_block(void) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static inline void on_signal(int number, void (*run)(int)) {
    struct sigaction action = {.sa_handler = run};
    sigaction(number, &action, NULL);
}

static inline int process_number(void) {
    return getpid();
}

static inline int signal_process(int pid, int number) {
    return posix_result(kill(pid, number));
}

static inline int signal_thread(int tid, int number) {
    return posix_result(syscall(SYS_tgkill, getpid(), tid, number));
}

static inline int signal_timer(int64_t nanoseconds, bool again) {
    struct itimerval timer = {.it_value = {nanoseconds / 1000000000, nanoseconds % 1000000000 / 1000}};
    if (again) timer.it_interval = timer.it_value;
    return posix_result(setitimer(ITIMER_REAL, &timer, NULL));
}

#endif

#endif
