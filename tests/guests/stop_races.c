/*
 * Stops that meet what a process is about to do: wait for a child, exec, fork, vfork, sleep on a futex, end; one line for
 * each: "name: result". The same program tells it natively and as a guest.
 *
 *   stop_races PATH          PATH is this program
 *   stop_races PATH CASE     one of them
 *   stop_races PATH again N  what it runs in its place N times more
 */
#include "threads.h"

#include "process.h"

#include <poll.h>
#include <unistd.h>

enum { ROUNDS = 20, TOGETHER = 4, BURST = 250, KILLED = 9, CONT = 18, STOP = 19 };

static const char *path;

static int ended(int pid) {
    int status = -1, found = process_wait(pid, WAIT, &status);
    return found == pid ? status : found;
}

static int stopped(int pid) {
    int status = -1, found = process_wait(pid, WAIT | STOPPED_TOO, &status);
    return found == pid ? status : found;
}

static void wait_for_the_end_of(int fd) {
    char byte;
    for (int size; (size = (int)read(fd, &byte, 1)) > 0 || (size < 0 && errno == EINTR);) continue;
}

/* -- a process that is stopped while it waits for a child, which ends meanwhile -- */


static void the_child_of_a_stopped_one_ends(void) {
    int good = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int input[2], life[2];
        must("a pipe", process_pipe(input));
        must("a pipe", process_pipe(life));
        int pid = must("a child", process_fork());
        if (pid == 0) {
            close(input[1]);
            int child = must("a child", process_fork());
            if (child == 0) {
                file_write(life[1], "c", 1);
                wait_for_the_end_of(input[0]);
                file_write(life[1], "e", 1);
                _Exit(5);
            }
            _Exit(ended(child));
        }
        char byte;
        read(life[0], &byte, 1);
        sleep_nanoseconds(1000000 * (round % 5)); /* sometimes it waits by now, sometimes not yet */
        process_kill(pid, STOP);
        int status = stopped(pid);
        close(input[0]), close(input[1]);
        read(life[0], &byte, 1);
        close(life[0]), close(life[1]);
        sleep_nanoseconds(1000000); /* in which it has ended, or nearly so */
        process_kill(pid, CONT);
        good += status == 2000 + STOP && ended(pid) == 5;
    }
    say("who was stopped sees that its child has ended: %d", good);
}

/* -- what storms of stops and continues meet -- */

static word mutex, value, never;

static void locks(void *argument) {
    (void)argument;
    for (;;) {
        lock(&mutex);
        value = value + 1;
        unlock(&mutex);
    }
}

static _Noreturn void computes(void) {
    for (volatile uint32_t number = 0;; number++) continue;
}

static _Noreturn void has_threads(void) {
    static thread made[3];
    for (int i = 0; i < 3; i++) thread_start(&made[i], locks, NULL);
    locks(NULL);
    _Exit(1);
}

static _Noreturn void sleeps(void) {
    for (;;) futex_sleep(&never, 0, FOR_EVER);
}

static _Noreturn void forks(void) {
    for (;;) {
        int pid = process_fork();
        if (pid == 0) _Exit(0);
        if (pid > 0) ended(pid);
    }
}

static _Noreturn void vforks(void) {
    for (;;) {
        int pid = process_vfork();
        if (pid == 0) _Exit(0);
        if (pid > 0) ended(pid);
    }
}

static _Noreturn void executes(void) {
    process_exec(path, "again");
    _Exit(1);
}

static _Noreturn void stops_itself(void) {
    for (;;) process_kill(process_id(), STOP);
}


static void execute_in_thread(void *argument) {
    (void)argument;
    executes();
}

static _Noreturn void executes_in_a_thread(void) {
    static thread made[2];
    thread_start(&made[0], locks, NULL);
    thread_start(&made[1], execute_in_thread, NULL);
    for (;;) futex_sleep(&never, 0, FOR_EVER);
}

static _Noreturn void storm_at(int pid) {
    for (int i = 0; i < BURST; i++) {
        process_kill(pid, STOP);
        process_kill(pid, CONT);
    }
    _Exit(0);
}

static void storm(const char *name, void (*run)(void)) {
    int pid = must("a child", process_fork()), senders[TOGETHER], good = 0;
    if (pid == 0) run();
    for (int i = 0; i < TOGETHER; i++)
        if ((senders[i] = must("a child", process_fork())) == 0) storm_at(pid);
    for (int i = 0; i < TOGETHER; i++) good += ended(senders[i]) == 0;
    int status = 0, again = 0;
    if (run != executes_in_a_thread) { /* Linux forgets a stop that meets exec in a thread (zap_other_threads) */
        process_kill(pid, STOP);
        status = stopped(pid);
        process_kill(pid, CONT);
        process_kill(pid, STOP);
        again = stopped(pid);
    }
    process_kill(pid, KILLED);
    say("%s: %d senders, %d, %d, %d", name, good, status, again, ended(pid));
}

/* -- ends of all kinds while it is stopped and goes on -- */

static void race_of_ends(void) {
    int good = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int pid = must("a child", process_fork());
        if (pid == 0) {
            if (round % 3 == 0) _Exit(7);
            if (round % 3 == 1) computes();
            sleeps();
        }
        int sender = must("a child", process_fork());
        if (sender == 0) {
            for (int i = 0; i < 5; i++) process_kill(pid, STOP), process_kill(pid, CONT);
            _Exit(0);
        }
        process_kill(pid, STOP);
        process_kill(pid, KILLED);
        process_kill(pid, CONT);
        int status = ended(pid);
        good += ended(sender) == 0 && (status == 1000 + KILLED || (round % 3 == 0 && status == 7));
    }
    say("ends: %d", good);
}

static void vfork_once(void) {
    int pid = process_vfork();
    if (pid == 0) _Exit(3);
    say("its end: %d", ended(pid));
}

static const struct {
    const char *name;
    void (*run)(void);
} storms[] = {
    {"computes", computes}, {"has threads", has_threads}, {"sleeps", sleeps},   {"forks", forks},
    {"vforks", vforks},     {"executes", executes},       {"executes in a thread", executes_in_a_thread},
    {"stops itself", stops_itself},
};

int main(int count, char **args) {
    path = args[count > 1 && args[1][0] == '/' ? 1 : 0];
    if (count > 1 && !strcmp(args[1], "again")) executes();
    const char *wanted = count > 2 ? args[2] : NULL;
    if (!wanted || !strcmp(wanted, "waits")) the_child_of_a_stopped_one_ends();
    for (size_t i = 0; i < sizeof storms / sizeof *storms; i++)
        if (!wanted || !strcmp(wanted, storms[i].name)) storm(storms[i].name, storms[i].run);
    if (!wanted || !strcmp(wanted, "ends")) race_of_ends();
    if (!wanted || !strcmp(wanted, "vfork once")) vfork_once();
    return 0;
}
