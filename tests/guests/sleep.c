/*
 * Prints "blocking", sleeps (thread_sleep), prints "awake".
 *
 *   sleep [MILLISECONDS]        default: a hundred years
 */
#include "portable.h"

int main(int argc, char **argv) {
    uint64_t milliseconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 100ULL * 365 * 24 * 3600 * 1000;
    say("blocking");
    must("sleep", sleep_nanoseconds(milliseconds * 1000000));
    say("awake");
    return 0;
}
