/*
 * What SIGSTOP, SIGTSTP and SIGCONT do to a process and what its parent is told, one line for each: "name: result".
 * The same program tells it natively and as a guest. `stops self` stops itself and says when it goes on.
 */
#include "threads.h"

#include "process.h"

#include <poll.h>
#include <unistd.h>

enum { INTERVAL = 30, KILLED = 9, USR1 = 10, TERM = 15, CHLD = 17, CONT = 18, STOP = 19, TSTP = 20, STOPPED = 2000 };

static int to_child[2], to_parent[2];
static word ran;

static void tell(const char *name, int result) { say("%s: %d", name, result); }

static void note(int number) { ran = ran + (uint32_t)number; }

/* -- children; each says "ready" with a byte -- */

static int read_byte(int fd) {
    char byte = 0;
    int size;
    while ((size = (int)read(fd, &byte, 1)) < 0 && errno == EINTR) continue;
    return size == 1 ? byte : -1;
}

static void ready(void) { file_write(to_parent[1], "r", 1); }

/* Answers what it is sent with "a", or the letter as many behind that as signals were handled, until "q". Returns 3, or 5
   when two were handled or more: one that comes to a running process is handled or taken back by the stop behind it. */
static int answers(void) {
    ready();
    for (int byte; (byte = read_byte(to_child[0])) > 0 && byte != 'q';) {
        char answer = (char)('a' + ran / CONT);
        file_write(to_parent[1], &answer, 1);
    }
    return 3 + (int)(ran / CONT < 2 ? ran / CONT : 2);
}

static _Noreturn int computes(void) {
    ready();
    for (volatile uint32_t value = 0;; value++) continue;
}

static void compute_in_thread(void *argument) {
    (void)argument;
    for (volatile uint32_t value = 0;; value++) continue;
}

static void sleep_in_thread(void *argument) {
    static word never;
    (void)argument;
    futex_sleep(&never, 0, FOR_EVER);
}

static int has_threads(void) {
    static thread made[3];
    thread_start(&made[0], compute_in_thread, NULL);
    thread_start(&made[1], sleep_in_thread, NULL);
    thread_start(&made[2], compute_in_thread, NULL);
    return answers();
}

static int handles(void) {
    process_handle(CONT, note);
    return answers();
}

static int stops_itself(void) {
    process_own_group();
    int result = process_kill(process_id(), TSTP);
    return result ? 99 : 7;
}

static int has_a_child(void) {
    if (process_fork() == 0) _Exit(answers());
    computes();
    return 0;
}

/* -- the parent -- */

static int start(int (*run)(void)) {
    must("a pipe", process_pipe(to_child));
    must("a pipe", process_pipe(to_parent));
    fflush(stdout);
    int pid = must("a child", process_fork());
    if (pid == 0) _Exit(run());
    return pid;
}

static int started(int (*run)(void)) {
    int pid = start(run);
    read_byte(to_parent[0]);
    return pid;
}

static void ask(char what) { file_write(to_child[1], &what, 1); }

/* Whether the child says something in the next moment. */
static int speaks(void) {
    struct pollfd watched = {.fd = to_parent[0], .events = POLLIN};
    return poll(&watched, 1, INTERVAL) > 0;
}

static int ended(int pid) {
    int status = -1;
    for (int i = 0; i < 2; i++) close(to_child[i]), close(to_parent[i]);
    int found = process_wait(pid, WAIT, &status);
    return found == pid ? status : found;
}

static int seen(int pid, int how) {
    int status = -1, found = process_wait(pid, how, &status);
    return found > 0 ? status : found;
}

static void one(const char *name, int (*run)(void)) {
    int pid = started(run);
    say("-- %s", name);
    tell("nothing to tell before", seen(pid, STOPPED_TOO));
    tell("stopping it", process_kill(pid, STOP));
    tell("it has stopped", seen(pid, WAIT | STOPPED_TOO));
    tell("it is told once", seen(pid, STOPPED_TOO));
    tell("who does not ask is not told", seen(pid, 0));
    ask('x');
    tell("it answers", speaks());
    process_kill(pid, STOP);
    tell("a second stop is none", seen(pid, STOPPED_TOO));
    tell("going on", process_kill(pid, CONT));
    tell("it answers then", read_byte(to_parent[0]));
    process_kill(pid, CONT);
    process_kill(pid, STOP);
    tell("it has stopped again", seen(-1, WAIT | STOPPED_TOO));
    process_kill(pid, CONT);
    ask('q');
    tell("its end", ended(pid));
}

static void killed(const char *name, int (*run)(void)) {
    int pid = started(run);
    say("-- %s", name);
    process_kill(pid, STOP);
    tell("it has stopped", seen(pid, WAIT | STOPPED_TOO));
    tell("a signal waits", process_kill(pid, TERM));
    tell("it runs still", seen(pid, 0));
    tell("a kill", process_kill(pid, KILLED));
    tell("its end", ended(pid));
    pid = started(run);
    process_kill(pid, STOP);
    seen(pid, WAIT | STOPPED_TOO);
    process_kill(pid, TERM);
    process_kill(pid, USR1);
    process_kill(pid, CONT);
    tell("it ends when it goes on", ended(pid) > 1000);
}

int main(int count, char **args) {
    int pid;
    if (count > 1 && !strcmp(args[1], "self")) {
        say("stops");
        process_kill(process_id(), STOP);
        say("goes on");
        return 0;
    }
    one("one that waits", answers);
    one("one that has threads", has_threads);
    one("one that handles SIGCONT", handles);
    killed("killed: one that waits", answers);
    killed("killed: one that computes", computes);
    killed("killed: one that has threads", has_threads);
    say("-- one that stops itself");
    pid = start(stops_itself);
    tell("it has stopped", seen(pid, WAIT | STOPPED_TOO));
    process_kill(pid, CONT);
    tell("its end", ended(pid));
    say("-- its child goes on");
    pid = start(has_a_child);
    read_byte(to_parent[0]), read_byte(to_parent[0]);
    process_kill(pid, STOP);
    tell("it has stopped", seen(pid, WAIT | STOPPED_TOO));
    ask('x');
    tell("its child answers", read_byte(to_parent[0]));
    process_kill(pid, KILLED);
    ask('q');
    tell("its end", ended(pid));
    say("-- SIGCHLD tells of stops");
    process_handle(CHLD, note);
    pid = started(answers);
    ran = 0;
    process_kill(pid, STOP);
    tell("it has stopped", seen(pid, WAIT | STOPPED_TOO));
    tell("SIGCHLD", (int)ran);
    process_kill(pid, KILLED);
    tell("its end", ended(pid));
    return 0;
}
