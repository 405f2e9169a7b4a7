/* Traps three named functions deep: what a backtrace shows. */
#include <stdio.h>

__attribute__((noinline)) static int innermost(int depth) {
    printf("trapping at depth %d\n", depth);
    fflush(stdout);
    __builtin_trap();
}

__attribute__((noinline)) static int middle(int depth) {
    return innermost(depth + 1) + 1;
}

__attribute__((noinline)) static int outermost(int depth) {
    return middle(depth + 1) + 1;
}

int main(int argc, char **argv) {
    (void)argv;
    return outermost(argc);
}
