/*
 * A TCP echo server with a thread for each connection.
 *
 *   thread_server [-n COUNT] [PORT] [IP]
 *
 * Prints "listening on PORT". Each caller gets a thread of its own until it is done; a caller for whom there is no
 * thread left waits until another one has finished. -n ends after COUNT callers, when all of them are done.
 */
#include "threads.h"

enum { MOST = 96 };

static thread handlers[MAX_THREADS];
static int callers[MAX_THREADS];
static word busy[MAX_THREADS], running;

static void serve(void *argument) {
    int index = (int)(intptr_t)argument;
    uint8_t data[4096];
    int size;
    while ((size = sock_recv(callers[index], data, sizeof data)) > 0) {
        if (sock_send_all(callers[index], data, (size_t)size) < 0) break;
    }
    sock_close(callers[index]);
    set_word(&busy[index], 0);
    running--;
    futex_wake_all(&running);
}

/* A place for one more caller; waits for one when all are taken. */
static int free_place(void) {
    for (uint32_t seen; (seen = running) >= MOST;) futex_sleep(&running, seen, FOR_EVER);
    for (int index = 0;; index = (index + 1) % MAX_THREADS) {
        if (!busy[index]) return index;
    }
}

int main(int argc, char **argv) {
    long remaining = -1; /* negative: for ever */
    int next = 1;
    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        remaining = atol(argv[2]);
        next = 3;
    }
    address here = address_of(next + 1 < argc ? argv[next + 1] : "127.0.0.1", next < argc ? atoi(argv[next]) : 0);
    int listener = sock_listener(&here, 128);
    say("listening on %u", (unsigned)here.port);
    for (; remaining != 0; remaining -= remaining > 0) {
        int index = free_place();
        address peer;
        callers[index] = must("accept", sock_accept(listener, 0, &peer));
        busy[index] = 1;
        running++;
        must("a thread", thread_start(&handlers[index], serve, (void *)(intptr_t)index));
        thread_forget(&handlers[index]);
    }
    await_word(&running, 0);
    say("done");
    return 0;
}
