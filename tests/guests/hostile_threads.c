/*
 * As many threads as there may be, which do nothing but wait, or compute, until they are killed:
 *
 *   hostile_threads COUNT [computes]
 *
 * Prints how many it got, the first one included, when all of them have begun.
 */
#define MOST_THREADS 1100
#define STACK_BYTES 4096
#include "threads.h"

#include <string.h>

static word begun, go, never;
static bool computing;

static void work(void) {
    for (volatile uint32_t value = 0; computing; value++) continue;
    for (;;) futex_sleep(&never, 0, FOR_EVER);
}

static void wait_and_work(void *argument) {
    (void)argument;
    begun++;
    futex_wake(&begun);
    await_word(&go, 1);
    work();
}

int main(int argc, char **argv) {
    static thread made[MOST_THREADS];
    uint32_t count = argc > 1 ? (uint32_t)atoi(argv[1]) : MOST_THREADS, got = 1;
    computing = argc > 2 && !strcmp(argv[2], "computes");
    while (got < count && got < MOST_THREADS && thread_start(&made[got], wait_and_work, NULL) > 0) got++;
    for (uint32_t seen; (seen = begun) < got - 1;) futex_sleep(&begun, seen, FOR_EVER);
    set_word(&go, 1);
    say("%u", (unsigned)got);
    work();
}
