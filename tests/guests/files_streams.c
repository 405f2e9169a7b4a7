/* What can be done with a standard stream, whatever it is: works on 0 and 2, and tells on 1. Redirected to files, they
   are as good as files that the program opened by itself. */
#include "files_common.h"

static void tell_stream(const char *name, int fd) {
    char line[100];
    struct stat found;
    int flags = fcntl(fd, F_GETFL);
#define TELL(what, result) (snprintf(line, sizeof line, "%s: %s", name, what), tell(line, (long long)(result)))
    TELL("isatty", isatty(fd) ? 1 : 0);
    if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode)) {
        int access = flags & O_ACCMODE;
        snprintf(line, sizeof line, "%s: opened", name);
        tell_text(line, access == O_RDONLY ? "to read" : access == O_WRONLY ? "to write" : "for both");
    }
    TELL("appends", flags < 0 ? flags : !!(flags & O_APPEND));
    TELL("position", lseek(fd, 0, SEEK_CUR));
    TELL("read", read(fd, buffer, 3));
    TELL("position after a read", lseek(fd, 0, SEEK_CUR));
    TELL("read at an offset", pread(fd, buffer, 2, 1));
    TELL("write", write(fd, "abc", 3));
    TELL("position after a write", lseek(fd, 0, SEEK_CUR));
    TELL("write at an offset", pwrite(fd, "de", 2, 1));
    TELL("fsync", fsync(fd));
    TELL("fdatasync", fdatasync(fd));
    snprintf(line, sizeof line, "%s: posix_fallocate", name);
    tell_error(line, posix_fallocate(fd, 0, 100));
    TELL("size", fstat(fd, &found) < 0 ? -1 : (long long)found.st_size);
    TELL("ftruncate", ftruncate(fd, 2));
    TELL("size after ftruncate", fstat(fd, &found) < 0 ? -1 : (long long)found.st_size);
    if (S_ISREG(found.st_mode)) {
        struct timespec times[2] = {{1000000000, 0}, {1100000000, 0}};
        TELL("futimens", futimens(fd, times));
        TELL("time after futimens", fstat(fd, &found) < 0 ? -1 : (long long)found.st_mtime);
        snprintf(line, sizeof line, "%s: posix_fadvise", name);
        tell_error(line, posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
        TELL("fcntl to append", fcntl(fd, F_SETFL, O_APPEND));
        TELL("write to the end", lseek(fd, 0, SEEK_SET) < 0 ? -1 : write(fd, "xyz", 3));
        TELL("position then", lseek(fd, 0, SEEK_CUR));
    }
}

int main(void) {
    tell_stream("0", 0);
    tell_stream("2", 2);
    return 0;
}
