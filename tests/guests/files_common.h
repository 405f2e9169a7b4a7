/* For programs that tell how files behave, one line for each behaviour: "name: result". They run natively and as guests,
   on an empty directory that is their only argument, and print the same. */
#ifndef FILES_COMMON_H
#define FILES_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef __wasm__
#include "wasix.h"
#endif

static const char *directory;
static char buffer[1 << 16];

/* The name of an errno, which has other numbers and texts in each libc. */
static inline const char *error_text(int error) {
    static char number[32];
    switch (error) {
    case EACCES: return "ACCES";
    case EADDRINUSE: return "ADDRINUSE";
    case EAGAIN: return "AGAIN";
    case EBADF: return "BADF";
    case EBUSY: return "BUSY";
    case ECONNREFUSED: return "CONNREFUSED";
    case EEXIST: return "EXIST";
    case EFBIG: return "FBIG";
    case EINVAL: return "INVAL";
    case EISDIR: return "ISDIR";
    case ELOOP: return "LOOP";
    case EMFILE: return "MFILE";
    case EMLINK: return "MLINK";
    case ENAMETOOLONG: return "NAMETOOLONG";
    case ENFILE: return "NFILE";
    case ENODEV: return "NODEV";
    case ENOENT: return "NOENT";
    case ENOSPC: return "NOSPC";
    case ENOTDIR: return "NOTDIR";
    case ENOTEMPTY: return "NOTEMPTY";
    case ENOTSUP: return "NOTSUP";
    case ENXIO: return "NXIO";
    case EPERM: return "PERM";
    case ERANGE: return "RANGE";
    case EROFS: return "ROFS";
    case ESPIPE: return "SPIPE";
    case EXDEV: return "XDEV";
#ifdef ENOTCAPABLE
    case ENOTCAPABLE: return "NOTCAPABLE";
#endif
    }
    snprintf(number, sizeof number, "errno %d", error);
    return number;
}

/* A number that a call gave, or its errno. */
static inline void tell(const char *name, long long result) {
    if (result < 0) printf("%s: %s\n", name, error_text(errno));
    else printf("%s: %lld\n", name, result);
}

/* "ok" or the errno, where the number says nothing; a descriptor is closed. */
static inline void tell_open(const char *name, int fd) {
    printf("%s: %s\n", name, fd < 0 ? error_text(errno) : "ok");
    if (fd >= 0) close(fd);
}

static inline void tell_text(const char *name, const char *text) {
    printf("%s: %s\n", name, text);
}

static inline void tell_if(const char *name, bool holds) {
    tell_text(name, holds ? "yes" : "no");
}

/* What a call answers that gives errors by its result (posix_fallocate). */
static inline void tell_error(const char *name, int error) {
    tell_text(name, error ? error_text(error) : "0");
}

/* A path in the directory; some of them may be in use at once. */
static inline const char *in(const char *name) {
    static char paths[4][8192];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof *paths, "%s/%s", directory, name);
    return path;
}

/* Ends the program when something that is no behaviour fails. */
static inline int must(const char *what, int result) {
    if (result < 0) {
        printf("%s failed: %s\n", what, error_text(errno));
        exit(1);
    }
    return result;
}

static inline int opened(const char *name, int flags) {
    return must(name, open(in(name), flags, 0666));
}

/* Makes a file with this content. */
static inline void make(const char *name, const char *content) {
    int fd = opened(name, O_CREAT | O_TRUNC | O_WRONLY);
    must("write", (int)write(fd, content, strlen(content)));
    close(fd);
}

/* All of a file, or its errno. */
static inline void tell_content(const char *name, const char *path) {
    int fd = open(in(path), O_RDONLY);
    if (fd < 0) {
        tell(name, fd);
        return;
    }
    long count = read(fd, buffer, 100);
    if (count < 0) tell(name, count);
    else printf("%s: '%.*s'\n", name, (int)count, buffer);
    close(fd);
}

/* The size of what a path names, or the errno. */
static inline long long size_of(const char *path) {
    struct stat found;
    return lstat(in(path), &found) < 0 ? -1 : (long long)found.st_size;
}

static inline const char *type_of(const char *path) {
    struct stat found;
    if (lstat(in(path), &found) < 0) return error_text(errno);
    return S_ISDIR(found.st_mode) ? "directory" : S_ISLNK(found.st_mode) ? "link" : S_ISREG(found.st_mode) ? "file" : "other";
}

static inline long long links_of(const char *path) {
    struct stat found;
    return lstat(in(path), &found) < 0 ? -1 : (long long)found.st_nlink;
}

static inline int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, in order. */
static inline void tell_list(const char *name, const char *path) {
    static char *names[4096];
    int count = 0;
    DIR *open = opendir(in(path));
    if (!open) {
        tell(name, -1);
        return;
    }
    for (struct dirent *entry; (entry = readdir(open)) && count < 4096;) names[count++] = strdup(entry->d_name);
    closedir(open);
    qsort(names, (size_t)count, sizeof *names, compare);
    printf("%s:", name);
    for (int i = 0; i < count; i++) {
        printf(" %s", names[i]);
        free(names[i]);
    }
    printf("\n");
}

/* Another descriptor of the same open file; libc of preview1 has none. */
static inline int duplicate(int fd) {
#ifdef __wasm__
    int found;
    errno = wasix_fd_dup(fd, &found);
    return errno ? -1 : found;
#else
    return dup(fd);
#endif
}

/* The working directory as the kernel knows it, which libc of preview1 keeps by itself. */
static inline int kernel_chdir(const char *path) {
#ifdef __wasm__
    errno = wasix_chdir(path, (uint32_t)strlen(path));
    return errno ? -1 : 0;
#else
    return chdir(path);
#endif
}

/* With a working directory, relative paths are the kernel's matter, and absolute ones keep their slash. */
static inline int kernel_rename(const char *path, const char *new_path) {
#ifdef __wasm__
    errno = wasix_path_rename(3, path, (uint32_t)strlen(path), 3, new_path, (uint32_t)strlen(new_path));
    return errno ? -1 : 0;
#else
    return rename(path, new_path);
#endif
}

static inline int kernel_rmdir(const char *path) {
#ifdef __wasm__
    errno = wasix_path_remove_directory(3, path, (uint32_t)strlen(path));
    return errno ? -1 : 0;
#else
    return rmdir(path);
#endif
}

static inline void tell_cwd(const char *name) {
#ifdef __wasm__
    uint32_t size = sizeof buffer;
    errno = wasix_getcwd(buffer, &size);
    if (errno) {
#else
    if (!getcwd(buffer, sizeof buffer)) {
#endif
        tell(name, -1);
        return;
    }
    tell_text(name, strncmp(buffer, directory, strlen(directory)) ? "elsewhere" : buffer + strlen(directory));
}

#endif
