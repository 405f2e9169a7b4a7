/* Tells of each path that it is given what is there: the names in a directory, or the content of a file; of "--pwd" the
   working directory, which makes it a WASIX program. */
#include "files_common.h"

#ifdef __wasm__
/* libc of preview1 takes the slash from absolute paths; relative ones begin at the working directory. */
static int open_path(const char *path) {
    int fd;
    uint64_t rights = WASIX_RIGHTS_FD_READ | WASIX_RIGHTS_FD_READDIR | WASIX_RIGHTS_FD_FILESTAT_GET;
    errno = wasix_path_open(3, 1, path, (uint32_t)strlen(path), 0, rights, rights, 0, &fd);
    return errno ? -1 : fd;
}
#else
static int open_path(const char *path) {
    return open(path, O_RDONLY);
}
#endif

static void list(int fd) {
    char *names[64];
    int count = 0;
    DIR *open = fdopendir(fd);
    for (struct dirent *entry; open && (entry = readdir(open)) && count < 64;)
        if (entry->d_name[0] != '.') names[count++] = strdup(entry->d_name);
    qsort(names, (size_t)count, sizeof *names, compare);
    printf("directory:");
    for (int i = 0; i < count; i++) printf(" %s", names[i]);
    printf("\n");
    closedir(open);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        struct stat found;
        directory = "";
        if (!strcmp(argv[i], "--pwd")) {
            tell_cwd("working directory");
            continue;
        }
        int fd = open_path(argv[i]);
        printf("%s: ", argv[i]);
        if (fd < 0 || fstat(fd, &found) < 0) {
            printf("%s\n", strerror(errno));
        } else if (S_ISDIR(found.st_mode)) {
            list(fd);
        } else {
            long count = read(fd, buffer, 100);
            printf("%.*s\n", count < 0 ? 0 : (int)count, buffer);
            close(fd);
        }
    }
    return 0;
}
