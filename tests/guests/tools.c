/*
 * Small tools for shells and pipelines, by the name that the program is called by: cat, env, false, grep, head, rev, seq,
 * sleep, sort, status, tr, true, wc. They know what tests need.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern char **environ;

static char line[1 << 16];

static int copy(FILE *from) {
    size_t count;
    while ((count = fread(line, 1, sizeof line, from)) > 0)
        if (fwrite(line, 1, count, stdout) != count)
            return 1;
    return ferror(from) != 0;
}

static int cat(int count, char **args) {
    int failed = count < 2 ? copy(stdin) : 0;
    for (int i = 1; i < count; i++) {
        FILE *file = strcmp(args[i], "-") ? fopen(args[i], "r") : stdin;
        if (!file) {
            fprintf(stderr, "cat: %s: cannot be opened\n", args[i]);
            failed = 1;
            continue;
        }
        failed |= copy(file);
        if (file != stdin)
            fclose(file);
    }
    return failed;
}

static int env(int count, char **args) {
    (void)count, (void)args;
    for (char **each = environ; *each; each++)
        puts(*each);
    return 0;
}

static int grep(int count, char **args) {
    int found = 1;
    while (count > 1 && fgets(line, sizeof line, stdin))
        if (strstr(line, args[1])) {
            fputs(line, stdout);
            found = 0;
        }
    return found;
}

static int head(int count, char **args) {
    for (int left = count > 1 ? abs(atoi(args[count - 1])) : 10; left > 0 && fgets(line, sizeof line, stdin); left--)
        fputs(line, stdout);
    return 0;
}

static int rev(int count, char **args) {
    (void)count, (void)args;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        for (size_t i = strlen(line); i > 0; i--)
            putchar(line[i - 1]);
        putchar('\n');
    }
    return 0;
}

static int seq(int count, char **args) {
    for (int i = count > 2 ? atoi(args[1]) : 1; i <= atoi(args[count - 1]); i++)
        if (printf("%d\n", i) < 0)
            return 1;
    return fflush(stdout) != 0;
}

static int pause_for(int count, char **args) {
    double seconds = count > 1 ? atof(args[1]) : 0;
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
    return 0;
}

static int by_text(const void *one, const void *other) { return strcmp(*(char *const *)one, *(char *const *)other); }

static int sort(int count, char **args) {
    static char *lines[100000];
    int read = 0;
    (void)count, (void)args;
    while (read < 100000 && fgets(line, sizeof line, stdin))
        lines[read++] = strdup(line);
    qsort(lines, (size_t)read, sizeof *lines, by_text);
    for (int i = 0; i < read; i++)
        fputs(lines[i], stdout);
    return 0;
}

static int status(int count, char **args) { return count > 1 ? atoi(args[1]) : 0; }

static int tr(int count, char **args) {
    int sign;
    while (count > 2 && (sign = getchar()) != EOF) {
        char *at = sign ? strchr(args[1], sign) : NULL;
        putchar(at ? args[2][at - args[1]] : sign);
    }
    return 0;
}

static int wc(int count, char **args) {
    long lines = 0, bytes = 0;
    int sign;
    while ((sign = getchar()) != EOF) {
        bytes++;
        lines += sign == '\n';
    }
    printf("%ld\n", count > 1 && !strcmp(args[1], "-c") ? bytes : lines);
    return 0;
}

static int yes(int count, char **args) { /* true */
    (void)count, (void)args;
    return 0;
}

static int no(int count, char **args) { /* false */
    (void)count, (void)args;
    return 1;
}

static const struct {
    const char *name;
    int (*run)(int, char **);
} tools[] = {
    {"cat", cat},   {"env", env},          {"false", no},  {"grep", grep},     {"head", head}, {"rev", rev},  {"seq", seq},
    {"sleep", pause_for}, {"sort", sort}, {"status", status}, {"tr", tr},     {"true", yes}, {"wc", wc},
};

int main(int count, char **args) {
    const char *name = count ? strrchr(args[0], '/') : NULL;
    name = name ? name + 1 : count ? args[0] : "";
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
        if (!strcmp(tools[i].name, name))
            return tools[i].run(count, args);
    fprintf(stderr, "%s is no tool\n", name);
    return 127;
}
