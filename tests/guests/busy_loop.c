/* Prints "blocking" and computes for ever without a host call. */
#include "portable.h"

int main(void) {
    say("blocking");
    for (volatile unsigned turns = 0;; turns++) {
    }
}
