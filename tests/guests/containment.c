/* Tries to get out of the directory that it was given as "/", with libc's own calls. Prints one line for each attempt:
   what was tried and the errno, or "SUCCEEDED". There is nothing to compare with natively: there it would succeed. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const places[] = {
    "/../secret",       "/sub/../../secret", "/out",        "/absolute",          "/chain",     "/up/secret",
    "/out_dir/secret",  "/proc_root/etc/passwd", "/etc/passwd", "/absolute_dir/secret", "/dangling",  "/sub/out",
    "/fifo/../secret", "/slashes",          "/proc_cwd/secret", "/file/../secret",
};
enum { PLACES = sizeof places / sizeof *places };

static int failures;

static void tell(const char *what, const char *place, int result) {
    printf("%s %s: %s\n", what, place, result < 0 ? strerror(errno) : "SUCCEEDED");
    if (result >= 0) failures++;
}

static int read_at(int fd, const char *place) {
    char data[64];
    int file = openat(fd, place, O_RDONLY);
    if (file < 0) return file;
    int count = (int)read(file, data, sizeof data);
    if (count > 0) printf("%.*s\n", count, data);
    close(file);
    return 0;
}

int main(void) {
    struct stat found;
    char text[512];
    for (int i = 0; i < PLACES; i++) {
        const char *place = places[i];
        tell("read", place, read_at(AT_FDCWD, place));
        tell("write", place, open(place, O_WRONLY));
        tell("truncate", place, open(place, O_WRONLY | O_TRUNC));
        tell("stat", place, stat(place, &found));
        tell("list", place, opendir(place) ? 0 : -1);
        tell("link from", place, linkat(AT_FDCWD, place, AT_FDCWD, "/mine", AT_SYMLINK_FOLLOW));
        snprintf(text, sizeof text, "/planted%d", i);
        if (symlink(place, text) == 0) tell("read by a link of mine to", place, read_at(AT_FDCWD, text));
    }
    int sub = open("/sub", O_RDONLY | O_DIRECTORY);
    static const char *const relative[] = {"../secret", "../../secret", "deep/../../../secret",
                                           "out",       "../out",       "../up/secret"};
    for (unsigned i = 0; i < sizeof relative / sizeof *relative; i++)
        tell("read below a descriptor", relative[i], read_at(sub, relative[i]));
    tell("rename out", "/../outside/mine", rename("/file", "/../outside/mine"));
    tell("link out", "/../outside/mine", link("/file", "/../outside/mine"));
    tell("remove", "/../outside", rmdir("/../outside"));
    tell("unlink", "/../outside/secret", unlink("/../outside/secret"));
    tell("make a directory", "/out_dir/new", mkdir("/out_dir/new", 0777));
    tell("create", "/absolute_dir/new", open("/absolute_dir/new", O_CREAT | O_WRONLY, 0666));
    tell("open a fifo", "/fifo", open("/fifo", O_RDONLY | O_NONBLOCK));
    tell("open a socket", "/socket", open("/socket", O_RDONLY));
    printf("%d succeeded\n", failures);
    return failures != 0;
}
