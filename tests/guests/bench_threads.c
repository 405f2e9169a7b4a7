/*
 * What threads cost: `bench_threads COUNT` prints the nanoseconds of a hand-over of a futex between two threads, and of
 * the start of a thread until it runs, each the mean of COUNT.
 */
#include "threads.h"

static word turn, ran;
static uint32_t rounds;

/* Wait for the turn of `me` and give it to the other one, again and again. */
static void play(uint32_t me) {
    for (uint32_t round = 0; round < rounds; round++) {
        while (turn != me) futex_sleep(&turn, 1 - me, FOR_EVER);
        turn = 1 - me;
        futex_wake(&turn);
    }
}

static void second(void *argument) {
    (void)argument;
    ran = 1;
    futex_wake(&ran);
    play(1);
}

static void start_only(void *argument) {
    *(int64_t *)argument = now();
}

int main(int argc, char **argv) {
    uint32_t count = argc > 1 ? (uint32_t)atoi(argv[1]) : 10000;
    thread other;
    rounds = count;
    must("a thread", thread_start(&other, second, NULL));
    await_word(&ran, 1);
    int64_t begun = now();
    play(0);
    must("its end", thread_wait(&other));
    printf("hand-over %.0f\n", (double)(now() - begun) / count / 2);
    int64_t spent = 0;
    uint32_t starts = count / 10;
    for (uint32_t index = 0; index < starts; index++) {
        int64_t reached;
        int64_t before = now();
        must("a thread", thread_start(&other, start_only, &reached));
        must("its end", thread_wait(&other));
        spent += reached - before;
    }
    printf("start %.0f\n", (double)spent / starts);
    return 0;
}
