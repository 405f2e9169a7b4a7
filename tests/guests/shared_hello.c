/* A guest whose memory is shared and comes from the host (env.memory), as every guest with threads has it. */
#include <stdio.h>

static _Atomic int counter = 41;

int main(void) {
    counter++;
    printf("hello from shared memory: %d, %d\n", counter, (int)__builtin_wasm_memory_size(0) > 0);
    return 0;
}
