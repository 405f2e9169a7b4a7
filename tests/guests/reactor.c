/* A library, not a program: _initialize prepares it, then its exports are called. */
#include <stdint.h>

static int32_t calls;
static int32_t ready;

__attribute__((constructor)) static void prepare(void) {
    ready = 1;
}

/* The sum, wrapping round as the machine does. */
__attribute__((export_name("add"))) int32_t add(int32_t a, int32_t b) {
    calls++;
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* How often add was called; -1 if _initialize did not run. */
__attribute__((export_name("count"))) int32_t count(void) {
    return ready ? calls : -1;
}
