/*
 * exec in a process with threads: whoever calls it, all other threads end, and the process goes on with the new program.
 *
 *   thread_exec PATH CASE    PATH is this program; CASE one of thread, gone, two, failed, child, again
 *   thread_exec PID          what it runs then: tells whether it is the process with this number, and its only thread
 */
#include "threads.h"

#include "process.h"

#include <unistd.h>

static const char *path;
static word go, left;
static int ends[2];

static void exec_now(void *argument) {
    char number[16];
    (void)argument;
    await_word(&go, 1);
    snprintf(number, sizeof number, "%d", process_id());
    say("exec: %d", process_exec(path, number));
}

static void exec_what_is_not_there(void *argument) {
    (void)argument;
    int result = process_exec("/not/there", "0");
    lock(&left);
    say("not there: %s", error_name(result));
    unlock(&left);
}

static void fork_and_exec(void *argument) {
    int status = -1, pid = process_fork();
    if (pid == 0) exec_now(argument);
    say("its end: %d", process_wait(pid, WAIT, &status) == pid ? status : -1);
}

static void compute(void *argument) {
    (void)argument;
    for (volatile uint32_t value = 0;; value++) continue;
}

static void sleep_for_ever(void *argument) {
    static word never;
    (void)argument;
    for (;;) futex_sleep(&never, 0, FOR_EVER);
}

static void read_for_ever(void *argument) {
    char byte;
    (void)argument;
    while (read(ends[0], &byte, 1) != 1) continue;
}

static void end(void *argument) { (void)argument; }

static void start_for_ever(void *argument) {
    (void)argument;
    for (thread made;;)
        if (thread_start(&made, end, NULL) > 0) thread_wait(&made);
}

/* The new program: it has the number of the old one, one thread, and signals and threads work. */
static int tell(int pid) {
    thread made;
    say("the same process: %d", process_id() == pid);
    say("the main thread: %d", thread_number() == process_id());
    say("a thread: %d", thread_start(&made, end, NULL) > 0 && thread_wait(&made) == 0);
    return 5;
}

int main(int count, char **args) {
    static void (*const others[])(void *) = {compute, sleep_for_ever, read_for_ever, start_for_ever};
    static thread made[8];
    if (count < 3) return tell(atoi(args[1]));
    const char *name = args[2];
    path = args[1];
    must("a pipe", process_pipe(ends));
    for (size_t index = 0; index < sizeof others / sizeof *others; index++) thread_start(&made[index], others[index], NULL);
    if (!strcmp(name, "failed")) {
        for (int index = 4; index < 8; index++) thread_start(&made[index], exec_what_is_not_there, NULL);
        for (int index = 4; index < 8; index++) thread_wait(&made[index]);
    }
    if (!strcmp(name, "child")) {
        go = 1;
        thread_start(&made[4], fork_and_exec, NULL);
        thread_wait(&made[4]);
        return 0;
    }
    for (int index = 4; index < (strcmp(name, "two") ? 5 : 8); index++) thread_start(&made[index], exec_now, NULL);
    set_word(&go, 1);
    if (!strcmp(name, "gone")) thread_leave();
    if (!strcmp(name, "again")) exec_now(NULL); /* the main thread too */
    sleep_for_ever(NULL);
}
