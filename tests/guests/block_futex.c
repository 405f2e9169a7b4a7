/* Prints "blocking" and blocks for ever in futex_wait: nobody wakes it. */
#include "portable.h"

int main(void) {
    static uint32_t cell;
    wasix_option_timestamp_t never = {.tag = WASIX_OPTION_NONE};
    uint8_t woken;
    say("blocking");
    return wasix_futex_wait(&cell, 0, &never, &woken) != 0;
}
