/* Prints "blocking" and blocks in fd_read on standard input until there is some; prints how many bytes came. */
#include "portable.h"

#include <unistd.h>

int main(void) {
    char data[64];
    say("blocking");
    ssize_t size = read(0, data, sizeof data);
    say("%d", (int)size);
    return size < 0;
}
