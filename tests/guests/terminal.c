/*
 * What a program can do with its terminal. Usage: terminal [COMMAND...], done in order:
 *
 *   state     print size, which of the standard streams are terminals, echo, line buffering, line feeds
 *   raw       no echo, no line buffering        cooked    both again
 *   key       read at most 16 bytes and print them as numbers, or the error
 *   watch     print "caught" and the number of each signal from now on
 *   line      read up to the end of a line, whatever signals come, and print "line" and its length
 *   resize    read bytes until the size has changed, and print it
 *   size COLUMNS ROWS     set the size
 *   fail      end with status 3                 trap      run into an impossible instruction
 *   spin      compute for ever
 */
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int check(const char *what, int error) {
    if (error) printf("%s: %s\n", what, strerror(error));
    return error;
}

static void state(void) {
    terminal now;
    if (check("state", terminal_get(&now))) return;
    printf("%ux%u tty %d%d%d echo %d lines %d feeds %d\n", now.columns, now.rows, now.streams[0], now.streams[1],
           now.streams[2], now.echo, now.line_buffered, now.line_feeds);
}

static void modes(const char *name, int on) {
    terminal now;
    if (check(name, terminal_get(&now))) return;
    now.echo = now.line_buffered = on;
    if (!check(name, terminal_set_modes(&now))) printf("%s\n", name);
}

static void key(void) {
    unsigned char found[16];
    ssize_t size = read(0, found, sizeof found);
    printf("key");
    for (ssize_t at = 0; at < size; at++) printf(" %d", found[at]);
    printf(size < 0 ? ": %s\n" : "\n", strerror(errno));
}

static void line(void) {
    int length = 0;
    char c = 0;
    while (c != '\n') {
        ssize_t size = read(0, &c, 1);
        if (size == 0 || (size < 0 && errno != EINTR)) break;
        length += size == 1;
    }
    printf("line %d\n", length);
}

static void resize(void) {
    char ignored;
    terminal now;
    do {
        if (read(0, &ignored, 1) < 0 && errno != EINTR) return;
    } while (!resized);
    if (!check("resize", terminal_get(&now))) printf("now %ux%u\n", now.columns, now.rows);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    for (int at = 1; at < argc; at++) {
        const char *command = argv[at];
        if (!strcmp(command, "state")) state();
        else if (!strcmp(command, "raw")) modes("raw", 0);
        else if (!strcmp(command, "cooked")) modes("cooked", 1);
        else if (!strcmp(command, "key")) key();
        else if (!strcmp(command, "line")) line();
        else if (!strcmp(command, "watch")) {
            telling = 1;
            watch_size();
            printf("watching\n");
        }
        else if (!strcmp(command, "resize")) resize();
        else if (!strcmp(command, "size") && at + 2 < argc) {
            unsigned columns = (unsigned)strtoul(argv[++at], NULL, 10), rows = (unsigned)strtoul(argv[++at], NULL, 10);
            if (!check("size", terminal_set_size(columns, rows))) printf("size set\n");
        } else if (!strcmp(command, "fail")) return 3;
        else if (!strcmp(command, "trap")) __builtin_trap();
        else if (!strcmp(command, "spin")) {
            printf("spinning\n");
            for (volatile unsigned count = 0;; count++) {}
        } else return 2;
    }
    return 0;
}
