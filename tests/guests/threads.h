/*
 * Threads, and what they wait for, in a few functions: the same program natively (pthreads, futex(2)) and as a guest,
 * where it needs nothing of a libc that knows threads.
 *
 * A guest's thread has a stack of STACK_SIZE bytes and its own thread-local variables. libc's printf and malloc may be
 * used by one thread at a time only: hold `output` around them.
 *
 * A program that wants more threads than 128 says so before: MOST_THREADS, and how large their stacks are: STACK_BYTES.
 */
#ifndef THREADS_H
#define THREADS_H

#ifndef MOST_THREADS
#define MOST_THREADS 128
#define STACK_BYTES 32768
#endif

#include "portable.h"

#include <stdatomic.h>

enum { MAX_THREADS = MOST_THREADS, STACK_SIZE = STACK_BYTES, TLS_SIZE = 1024, FOR_EVER = -1 };

typedef _Atomic uint32_t word;

typedef struct {
    void (*run)(void *);
    void *argument;
    int slot;
} thread;

#ifdef __wasm__

typedef struct {
    wasix_thread_start_t start;
    void (*run)(void *);
    void *argument;
    int tid;      /* of the last thread on this stack; 0 before the first */
    word running;
} thread_slot;

static thread_slot slots[MAX_THREADS];
static _Alignas(16) uint8_t stacks[MAX_THREADS][STACK_SIZE];
static _Alignas(16) uint8_t locals[MAX_THREADS][TLS_SIZE];

extern void __wasm_init_tls(void *);

/* The host calls this with a fresh instance, whose stack pointer is still the main thread's. */
__asm__(".globaltype __stack_pointer, i32\n"
        ".export_name wasi_thread_start, wasi_thread_start\n"
        ".globl wasi_thread_start\n"
        ".type wasi_thread_start,@function\n"
        "wasi_thread_start:\n"
        ".functype wasi_thread_start (i32, i32) -> ()\n"
        "local.get 1\n"
        "i32.load 0\n"
        "global.set __stack_pointer\n"
        "local.get 1\n"
        "call thread_main\n"
        "end_function\n");
extern void wasi_thread_start(int tid, void *start);

__attribute__((used)) void thread_main(thread_slot *slot) {
    __wasm_init_tls((void *)slot->start.tls_base);
    slot->run(slot->argument);
    slot->running = 0;
}

static inline int thread_start(thread *made, void (*run)(void *), void *argument) {
    for (int index = 0; index < MAX_THREADS; index++) {
        thread_slot *slot = &slots[index];
        uint32_t free = 0;
        if (!atomic_compare_exchange_strong(&slot->running, &free, 1)) continue;
        if (slot->tid) wasix_thread_join(slot->tid); /* it has said that it ends, and may still be on its stack */
        slot->run = run;
        slot->argument = argument;
        slot->start.stack = (uintptr_t)(stacks[index] + STACK_SIZE);
        slot->start.tls_base = (uintptr_t)locals[index];
        slot->start.stack_size = STACK_SIZE;
        made->slot = index;
        int error = wasix_thread_spawn_v2(&slot->start, &slot->tid);
        if (error) slot->running = slot->tid = 0;
        return error ? -error : slot->tid;
    }
    return -EAGAIN;
}

static inline int thread_wait(thread *made) {
    return -wasix_thread_join(slots[made->slot].tid);
}

/* Nobody will wait for it. */
static inline void thread_forget(thread *made) {
    (void)made;
}

/* Ends the calling thread; the process goes on while it has another one. */
static inline _Noreturn void thread_leave(void) {
    wasix_thread_exit(0);
    __builtin_unreachable();
}

static inline int futex_sleep(word *at, uint32_t expected, int64_t nanoseconds) {
    wasix_option_timestamp_t timeout = {.tag = nanoseconds >= 0, .value = nanoseconds >= 0 ? (uint64_t)nanoseconds : 0};
    bool woken = false;
    int error = wasix_futex_wait((uint32_t *)at, expected, &timeout, (void *)&woken);
    if (error) return -error;
    return woken ? 0 : -ETIMEDOUT;
}

/* Whether there was somebody. */
static inline int futex_wake(word *at) {
    bool woken = false;
    int error = wasix_futex_wake((uint32_t *)at, (void *)&woken);
    return error ? -error : woken;
}

static inline int futex_wake_all(word *at) {
    bool woken = false;
    int error = wasix_futex_wake_all((uint32_t *)at, (void *)&woken);
    return error ? -error : woken;
}

/* Nanoseconds of a clock that nobody sets. */
static inline int64_t now(void) {
    uint64_t time = 0;
    wasix_clock_time_get(WASIX_CLOCKID_MONOTONIC, 1, &time);
    return (int64_t)time;
}

static inline int thread_number(void) {
    int tid = 0;
    wasix_thread_id(&tid);
    return tid;
}

#else

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>

static pthread_t threads_of[MAX_THREADS];
static word next_thread;

static void *thread_main(void *start) {
    thread *made = start;
    made->run(made->argument);
    return NULL;
}

static inline int thread_start(thread *made, void (*run)(void *), void *argument) {
    made->run = run;
    made->argument = argument;
    made->slot = (int)(next_thread++ % MAX_THREADS);
    int error = pthread_create(&threads_of[made->slot], NULL, thread_main, made);
    return error ? -error : 1;
}

static inline int thread_wait(thread *made) {
    return -pthread_join(threads_of[made->slot], NULL);
}

static inline void thread_forget(thread *made) {
    pthread_detach(threads_of[made->slot]);
}

static inline _Noreturn void thread_leave(void) {
    pthread_exit(NULL);
}

/* A changed word is told as woken, as the ABI does it; a signal's handler does not end the sleep. */
static inline int futex_sleep(word *at, uint32_t expected, int64_t nanoseconds) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (end.tv_nsec + nanoseconds) / 1000000000;
    end.tv_nsec = (end.tv_nsec + nanoseconds) % 1000000000;
    for (;;) {
        struct timespec *until = nanoseconds >= 0 ? &end : NULL;
        if (syscall(SYS_futex, at, FUTEX_WAIT_BITSET, expected, until, NULL, FUTEX_BITSET_MATCH_ANY) == 0) return 0;
        if (errno == EAGAIN) return 0;
        if (errno != EINTR) return -errno;
    }
}

static inline int futex_wake(word *at) {
    return (int)syscall(SYS_futex, at, FUTEX_WAKE, 1) > 0;
}

static inline int futex_wake_all(word *at) {
    return (int)syscall(SYS_futex, at, FUTEX_WAKE, INT32_MAX) > 0;
}

static inline int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static inline int thread_number(void) {
    return (int)syscall(SYS_gettid);
}

#endif

/* A mutex: 0 free, 1 held, 2 held and waited for. */
static inline void lock(word *mutex) {
    uint32_t seen = 0;
    if (atomic_compare_exchange_strong(mutex, &seen, 1)) return;
    while (atomic_exchange(mutex, 2)) futex_sleep(mutex, 2, FOR_EVER);
}

static inline void unlock(word *mutex) {
    if (atomic_exchange(mutex, 0) == 2) futex_wake(mutex);
}

static inline void await_word(word *at, uint32_t wanted) {
    for (uint32_t seen; (seen = *at) != wanted;) futex_sleep(at, seen, FOR_EVER);
}

static inline void set_word(word *at, uint32_t value) {
    *at = value;
    futex_wake_all(at);
}

#endif
