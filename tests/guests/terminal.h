/* The terminal: on WASIX through tty_get and tty_set, elsewhere through termios. SIGWINCH ends a read with EINTR. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    unsigned columns, rows;
    int streams[3]; /* which of 0, 1 and 2 is a terminal */
    int echo, line_buffered, line_feeds;
} terminal;

static volatile int resized, telling;

#ifdef __wasm__
#include "wasix.h"

__attribute__((export_name("__wasm_signal")))
#else
#include <signal.h>
static
#endif
void on_signal(int number) {
    char text[] = "caught 00\n"; /* no stdio: the signal may come in the middle of it */
    resized = number;
    text[7] = (char)('0' + number / 10);
    text[8] = (char)('0' + number % 10);
    if (telling && write(1, text, sizeof text - 1) < 0) telling = 0;
}

#ifdef __wasm__

static inline void watch_size(void) {
    wasix_callback_signal("__wasm_signal", sizeof "__wasm_signal" - 1);
}

static wasix_tty_t tty;

/* Errors are returned, here and below. */
static inline int terminal_get(terminal *found) {
    memset(found, 0, sizeof *found);
    int error = wasix_tty_get(&tty);
    if (error) return error;
    *found = (terminal){tty.cols, tty.rows, {tty.stdin_tty, tty.stdout_tty, tty.stderr_tty},
                        tty.echo, tty.line_buffered, tty.line_feeds};
    return 0;
}

static inline int terminal_set_modes(const terminal *wanted) {
    int error = wasix_tty_get(&tty);
    if (error) return error;
    tty.echo = (uint8_t)wanted->echo;
    tty.line_buffered = (uint8_t)wanted->line_buffered;
    tty.line_feeds = (uint8_t)wanted->line_feeds;
    return wasix_tty_set(&tty);
}

/* What libc does for TIOCSWINSZ: nothing but the size is set in the record. */
static inline int terminal_set_size(unsigned columns, unsigned rows) {
    wasix_tty_t record;
    memset(&record, 0xA5, sizeof record);
    record.cols = columns;
    record.rows = rows;
    record.width = record.height = 0;
    return wasix_tty_set(&record);
}
#else
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static inline void watch_size(void) {
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART */
    sigaction(SIGWINCH, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static inline int terminal_get(terminal *found) {
    struct termios modes;
    struct winsize size;
    memset(found, 0, sizeof *found);
    if (tcgetattr(0, &modes) || ioctl(0, TIOCGWINSZ, &size)) return errno;
    *found = (terminal){size.ws_col, size.ws_row, {isatty(0), isatty(1), isatty(2)},
                        !!(modes.c_lflag & ECHO), !!(modes.c_lflag & ICANON), !!(modes.c_oflag & ONLCR)};
    return 0;
}

static inline int terminal_set_modes(const terminal *wanted) {
    struct termios modes;
    if (tcgetattr(0, &modes)) return errno;
    modes.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
    modes.c_lflag |= (wanted->echo ? ECHO : 0u) | (wanted->line_buffered ? ICANON : 0u);
    modes.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
    modes.c_iflag |= wanted->line_buffered ? ICRNL | IXON : 0u;
    modes.c_oflag &= ~(tcflag_t)ONLCR;
    modes.c_oflag |= wanted->line_feeds ? ONLCR : 0u;
    return tcsetattr(0, TCSANOW, &modes) ? errno : 0;
}

static inline int terminal_set_size(unsigned columns, unsigned rows) {
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    return ioctl(0, TIOCSWINSZ, &size) ? errno : 0;
}
#endif
#endif
