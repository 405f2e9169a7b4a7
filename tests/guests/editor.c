/*
 * A one-line editor for a raw terminal, of the kind of kilo. Usage: editor [TEXT]
 *
 * Keys: what can be printed is put in; left, right, Home (Ctrl-A), End (Ctrl-E); Backspace; Ctrl-U empties the
 * line; Enter or Ctrl-S prints "saved:" and the line; Ctrl-Q ends. Each change draws the line again.
 */
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONTROL_A = 1, CONTROL_E = 5, CONTROL_Q = 17, CONTROL_S = 19, CONTROL_U = 21, ESCAPE = 27, DELETE = 127 };

static char line[256];
static size_t length, cursor;
static terminal before;

static void draw(void) {
    printf("\r\033[K%.*s\033[%uG", (int)length, line, (unsigned)cursor + 1);
    fflush(stdout);
}

static void put(char c) {
    if (length + 1 >= sizeof line) return;
    memmove(line + cursor + 1, line + cursor, length++ - cursor);
    line[cursor++] = c;
}

static void erase(void) {
    if (!cursor) return;
    memmove(line + cursor - 1, line + cursor, length-- - cursor);
    cursor--;
}

static void move(char direction) {
    if (direction == 'C' && cursor < length) cursor++;
    if (direction == 'D' && cursor) cursor--;
}

static void show_size(void) {
    terminal now;
    resized = 0;
    if (terminal_get(&now)) return;
    printf("\r\nwindow %ux%u\r\n", now.columns, now.rows);
    draw();
}

/* One byte; -1 at the end of the input. A new size of the window is shown before it. */
static int next(void) {
    unsigned char c;
    for (;;) {
        ssize_t size = read(0, &c, 1);
        int error = errno;
        if (resized) show_size();
        if (size == 1) return c;
        if (size == 0 || error != EINTR) return -1;
    }
}

static int edit(void) {
    for (;;) {
        draw();
        int c = next();
        if (c < 0 || c == CONTROL_Q) return c < 0;
        if (c == ESCAPE) {
            if (next() == '[') move((char)next());
        } else if (c == '\r' || c == CONTROL_S) printf("\r\nsaved: %.*s\r\n", (int)length, line);
        else if (c == CONTROL_A) cursor = 0;
        else if (c == CONTROL_E) cursor = length;
        else if (c == CONTROL_U) length = cursor = 0;
        else if (c == DELETE) erase();
        else if (c >= ' ') put((char)c);
    }
}

int main(int argc, char **argv) {
    terminal raw;
    if (terminal_get(&before)) {
        fprintf(stderr, "editor: not a terminal\n");
        return 2;
    }
    raw = before;
    raw.echo = raw.line_buffered = raw.line_feeds = 0;
    if (terminal_set_modes(&raw)) return 2;
    telling = 1;
    watch_size();
    for (const char *c = argc > 1 ? argv[1] : ""; *c; c++) put(*c);
    printf("editing %ux%u\r\n", before.columns, before.rows);
    int status = edit();
    printf("\r\nbye\r\n");
    fflush(stdout);
    terminal_set_modes(&before);
    return status;
}
