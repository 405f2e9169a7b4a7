/* Makes, walks, writes, renames and removes many files in the directory that it is given, and prints what it saw. */
#include "files_common.h"

enum { DIRECTORIES = 100, FILES = 100 };

static unsigned long long sum;
static long files, directories, bytes;

/* Walks a directory, in order of names: counts what is there, and sums up the content of every file with its name. */
static void walk(const char *path) {
    char *names[FILES + DIRECTORIES + 8], below[300];
    int count = 0;
    DIR *open = opendir(in(path));
    must("opendir", open ? 0 : -1);
    for (struct dirent *entry; (entry = readdir(open));)
        if (entry->d_name[0] != '.') names[count++] = strdup(entry->d_name);
    closedir(open);
    qsort(names, (size_t)count, sizeof *names, compare);
    directories++;
    for (int i = 0; i < count; i++) {
        struct stat found;
        snprintf(below, sizeof below, "%s/%s", path, names[i]);
        must("lstat", lstat(in(below), &found));
        if (S_ISDIR(found.st_mode)) {
            walk(below);
        } else {
            int fd = opened(below, O_RDONLY);
            long got = read(fd, buffer, sizeof buffer);
            close(fd);
            if (got != found.st_size) must("size", -1);
            files++;
            bytes += got;
            for (const char *sign = names[i]; *sign; sign++) sum = sum * 31 + (unsigned char)*sign;
            for (long at = 0; at < got; at++) sum = sum * 31 + (unsigned char)buffer[at];
        }
        free(names[i]);
    }
}

static void tell_walk(const char *name) {
    sum = 0;
    files = directories = bytes = 0;
    walk("tree");
    printf("%s: %ld directories, %ld files, %ld bytes, %llx\n", name, directories, files, bytes, sum);
}

static void each(void (*act)(int directory_number, int file_number)) {
    for (int i = 0; i < DIRECTORIES; i++)
        for (int j = 0; j < FILES; j++) act(i, j);
}

static const char *place(int i, int j, const char *suffix) {
    static char names[2][64];
    static int next;
    char *name = names[next++ % 2];
    snprintf(name, sizeof *names, "tree/d%02d/f%02d%s", i, j, suffix);
    return name;
}

static void write_one(int i, int j) {
    char text[64];
    snprintf(text, sizeof text, "file %d of directory %d\n", j, i);
    make(place(i, j, ""), text);
}

static void append_one(int i, int j) {
    int fd = opened(place(i, j, ""), O_WRONLY | O_APPEND);
    must("append", (int)write(fd, "more\n", 5));
    close(fd);
}

static void rename_one(int i, int j) {
    must("rename", rename(in(place(i, j, "")), in(place(DIRECTORIES - 1 - i, j, ".moved"))));
}

static void remove_one(int i, int j) {
    must("unlink", unlink(in(place(i, j, ".moved"))));
}

int main(int argc, char **argv) {
    char name[32];
    directory = argc > 1 ? argv[1] : ".";
    must("mkdir", mkdir(in("tree"), 0777));
    for (int i = 0; i < DIRECTORIES; i++) {
        snprintf(name, sizeof name, "tree/d%02d", i);
        must("mkdir", mkdir(in(name), 0777));
    }
    each(write_one);
    tell_walk("written");
    each(append_one);
    tell_walk("appended");
    each(rename_one);
    tell_walk("renamed");
    each(remove_one);
    tell_walk("removed");
    for (int i = 0; i < DIRECTORIES; i++) {
        snprintf(name, sizeof name, "tree/d%02d", i);
        must("rmdir", rmdir(in(name)));
    }
    must("rmdir", rmdir(in("tree")));
    return 0;
}
