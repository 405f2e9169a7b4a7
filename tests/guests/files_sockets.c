/* How Unix sockets stand in directories: what stat, open, readdir, unlink, rename and their like say of their names. */
#include "files_common.h"
#include <sys/socket.h>
#ifndef __wasm__
#include <sys/un.h>
#endif

#ifdef __wasm__
static int answer(int error) {
    errno = error;
    return error ? -1 : 0;
}
#endif

static int fresh(void) {
#ifdef __wasm__
    int fd;
    must("socket", answer(wasix_sock_open(WASIX_ADDRESS_FAMILY_UNIX, WASIX_SOCK_TYPE_SOCKET_STREAM, 0, &fd)));
    return fd;
#else
    return must("socket", socket(AF_UNIX, SOCK_STREAM, 0));
#endif
}

/* bind, or connect. */
static int named(int fd, const char *path, bool binds) {
#ifdef __wasm__
    wasix_addr_port_t to;
    memset(&to, 0, sizeof to);
    to.tag = WASIX_ADDRESS_FAMILY_UNIX;
    snprintf((char *)&to + 2, sizeof to - 2, "%s", in(path));
    return answer(binds ? wasix_sock_bind(fd, &to) : wasix_sock_connect(fd, &to));
#else
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", in(path));
    return (binds ? bind : connect)(fd, (struct sockaddr *)&to, sizeof to);
#endif
}

static int hear(int fd) {
#ifdef __wasm__
    return answer(wasix_sock_listen(fd, 4));
#else
    return listen(fd, 4);
#endif
}

static int listener(const char *path) {
    int fd = fresh();
    must("bind", named(fd, path, true));
    must("listen", hear(fd));
    return fd;
}

static void tell_bind(const char *name, const char *path) {
    int fd = fresh();
    tell(name, named(fd, path, true));
    close(fd);
}

static void tell_connect(const char *name, const char *path) {
    int fd = fresh();
    tell(name, named(fd, path, false));
    close(fd);
}

static const char *kind_of(const char *path) {
    struct stat found;
    if (lstat(in(path), &found) < 0) return error_text(errno);
    return S_ISSOCK(found.st_mode) ? "socket" : type_of(path);
}

static void looking(void) {
    struct stat found, opened_stat;
    int fd = listener("socket");
    tell_text("a socket's name is a socket", kind_of("socket"));
    tell("links of a socket's name", links_of("socket"));
    tell("size of a socket's name", size_of("socket"));
    must("stat", stat(in("socket"), &found));
    must("fstat", fstat(fd, &opened_stat));
    tell_if("a socket itself is a socket", S_ISSOCK(opened_stat.st_mode));
    tell_list("list with a socket", ".");
    bool same = false;
    DIR *open_directory = opendir(in("."));
    for (struct dirent *entry; (entry = readdir(open_directory));)
        if (!strcmp(entry->d_name, "socket")) same = entry->d_ino == found.st_ino;
    closedir(open_directory);
    tell_if("a socket is listed with its number", same);
    tell_open("open of a socket", open(in("socket"), O_RDONLY));
    tell_open("open of a socket to write", open(in("socket"), O_WRONLY));
    tell_open("open makes a socket's name", open(in("socket"), O_WRONLY | O_CREAT, 0666));
    tell_open("open cuts a socket", open(in("socket"), O_WRONLY | O_TRUNC));
    tell_open("open makes a new socket's name", open(in("socket"), O_WRONLY | O_CREAT | O_EXCL, 0666));
    tell_open("open of a socket as a directory", open(in("socket"), O_RDONLY | O_DIRECTORY));
    tell_text("stat of a socket behind a dot", kind_of("./socket"));
    tell("readlink of a socket", readlink(in("socket"), buffer, 10));
    tell_text("stat of a socket behind a slash", kind_of("socket/"));
    tell_text("stat below a socket", kind_of("socket/below"));
    tell_open("open below a socket", open(in("socket/below"), O_RDONLY));
    tell("unlink of a socket behind a slash", unlink(in("socket/")));
    tell_connect("connect to a name", "socket");
    close(fd);
    tell_text("the name of a closed socket", kind_of("socket"));
    tell_connect("connect to the name of a closed socket", "socket");
    tell("unlink of a socket", unlink(in("socket")));
    tell_text("the name after unlink", kind_of("socket"));
    tell("unlink of a socket that is gone", unlink(in("socket")));
    tell_connect("connect after unlink", "socket");
    tell_list("list without the socket", ".");
}

static void taking(void) {
    int fd = listener("taken");
    make("file", "content");
    must("mkdir", mkdir(in("dir"), 0777));
    must("symlink", symlink("nothing", in("link")));
    tell_bind("bind to a name in use", "taken");
    tell_bind("bind to a file", "file");
    tell_bind("bind to a directory", "dir");
    tell_bind("bind to a link to nothing", "link");
    tell("mkdir of a socket's name", mkdir(in("taken"), 0777));
    tell("symlink of a socket's name", symlink("file", in("taken")));
    tell("link to a socket's name", link(in("file"), in("taken")));
    tell("rmdir of a socket", rmdir(in("taken")));
    tell_text("the socket is still there", kind_of("taken"));
    tell_connect("and hears", "taken");
    tell("unlink of a socket that hears", unlink(in("taken")));
    close(fd);
    tell("unlink", unlink(in("link")));
}

static void moving(void) {
    int fd = listener("old");
    tell("rename of a socket", rename(in("old"), in("new")));
    tell_text("the old name", kind_of("old"));
    tell_text("the new name", kind_of("new"));
    tell_connect("connect to the old name", "old");
    tell_connect("connect to the new name", "new");
    tell("rename of a socket over a file", rename(in("new"), in("file")));
    tell_text("what was the file", kind_of("file"));
    tell_list("list after that", ".");
    tell("rename of a socket over a directory", rename(in("file"), in("dir")));
    make("other", "content");
    tell("rename of a file over a socket", rename(in("other"), in("file")));
    tell_content("content after that", "file");
    close(fd);
    fd = listener("dir/socket");
    tell_list("list of a directory with a socket", "dir");
    tell("rmdir of a directory with a socket", rmdir(in("dir")));
    tell("rename of a directory with a socket", rename(in("dir"), in("moved")));
    tell_text("the socket in it", kind_of("moved/socket"));
    tell_text("the socket where it was", kind_of("dir/socket"));
    tell_connect("connect to the socket in it", "moved/socket");
    tell("unlink of the socket in it", unlink(in("moved/socket")));
    tell("rmdir then", rmdir(in("moved")));
    close(fd);
    tell("unlink of the file", unlink(in("file")));
    tell_list("list at the end", ".");
}

int main(int argc, char **argv) {
    directory = argc > 1 ? argv[1] : ".";
    looking();
    taking();
    moving();
    return 0;
}
