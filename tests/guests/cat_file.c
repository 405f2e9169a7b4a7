/* Prints a file, by way of plain preview1. */
#include <stdio.h>

int main(int argc, char **argv) {
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (!file) {
        perror(argc > 1 ? argv[1] : "usage: cat_file FILE");
        return 1;
    }
    for (int sign; (sign = getc(file)) != EOF;) putchar(sign);
    return fclose(file);
}
