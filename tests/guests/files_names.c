/* How directories, links, renames and time stamps behave. */
#include "files_common.h"

static void directories(void) {
    tell("mkdir", mkdir(in("dir"), 0777));
    tell("mkdir of what is there", mkdir(in("dir"), 0777));
    tell("mkdir below nothing", mkdir(in("nothing/dir"), 0777));
    tell("mkdir behind a slash", mkdir(in("dir/sub/"), 0777));
    make("dir/file", "content");
    tell("mkdir of a file's name", mkdir(in("dir/file"), 0777));
    tell("mkdir below a file", mkdir(in("dir/file/x"), 0777));
    tell("mkdir of .", mkdir(in("dir/."), 0777));
    tell_list("list", "dir");
    tell_list("list of a file", "dir/file");
    tell_list("list of nothing", "dir/nothing");
    tell("links of a directory with one directory in it", links_of("dir"));
    tell("rmdir of what is not empty", rmdir(in("dir")));
    tell("rmdir of a file", rmdir(in("dir/file")));
    tell("rmdir of nothing", rmdir(in("dir/nothing")));
    tell("rmdir of .", rmdir(in("dir/sub/.")));
    tell("rmdir of ..", rmdir(in("dir/sub/..")));
    must("symlink", symlink("sub", in("dir/to_sub")));
    tell("rmdir of a link to a directory", rmdir(in("dir/to_sub")));
    tell("rmdir of a link to a directory behind a slash", rmdir(in("dir/to_sub/")));
    tell("unlink of a directory", unlink(in("dir/sub")));
    tell("unlink of nothing", unlink(in("dir/nothing")));
    tell("unlink of a file behind a slash", unlink(in("dir/file/")));
    int fd = opened("dir/sub", O_RDONLY | O_DIRECTORY);
    tell("rmdir of an open directory", rmdir(in("dir/sub")));
    tell_open("a file in a directory that was removed", openat(fd, "x", O_CREAT | O_WRONLY, 0666));
    tell("a directory in a directory that was removed", mkdirat(fd, "x", 0777));
    close(fd);
    tell("read of a directory", (fd = opened("dir", O_RDONLY), read(fd, buffer, 1)));
    tell_open("open below a descriptor", openat(fd, "file", O_RDONLY));
    tell_open("open below a descriptor and above it", openat(fd, "../dir/file", O_RDONLY));
    tell("fsync of a directory", fsync(fd));
    close(fd);
    tell("unlink of a file", unlink(in("dir/file")));
    tell("unlink of a link", unlink(in("dir/to_sub")));
    tell_list("list of an empty directory", "dir");
    tell("rmdir", rmdir(in("dir")));
}

/* Whether a directory is listed with its own number, and with that of the directory above. */
static void tell_numbers(const char *name, const char *path) {
    struct stat own, above;
    char up[64];
    snprintf(up, sizeof up, "%s/..", path);
    must("stat", stat(in(path), &own));
    must("stat", stat(in(up), &above));
    int right = 0;
    DIR *open = opendir(in(path));
    for (struct dirent *entry; (entry = readdir(open));) {
        if (!strcmp(entry->d_name, ".")) right += entry->d_ino == own.st_ino;
        if (!strcmp(entry->d_name, "..")) right += entry->d_ino == above.st_ino && own.st_ino != above.st_ino;
    }
    closedir(open);
    tell(name, right);
}

static void parents(void) {
    must("mkdir", mkdir(in("upper"), 0777));
    must("mkdir", mkdir(in("upper/lower"), 0777));
    must("mkdir", mkdir(in("other"), 0777));
    must("symlink", symlink("upper/lower", in("to_lower")));
    tell_numbers("numbers of . and ..", "upper");
    tell_numbers("numbers of . and .., one below", "upper/lower");
    tell_numbers("numbers of . and .. through a link", "to_lower");
    must("rename", rename(in("upper/lower"), in("other/lower")));
    tell_numbers("numbers of . and .. of a directory that was moved", "other/lower");
    must("unlink", unlink(in("to_lower")));
    must("rmdir", rmdir(in("other/lower")));
    must("rmdir", rmdir(in("other")));
    must("rmdir", rmdir(in("upper")));
}

static void many(void) {
    char name[300];
    must("mkdir", mkdir(in("many"), 0777));
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "many/file%03d", i);
        make(name, "");
    }
    int count = 0, removed = 0;
    DIR *open = opendir(in("many"));
    for (struct dirent *entry; (entry = readdir(open));) {
        count++;
        if (entry->d_name[0] == '.') continue;
        snprintf(name, sizeof name, "many/%s", entry->d_name);
        if (unlink(in(name)) == 0) removed++;
    }
    tell("names in a large directory", count);
    tell("removed while it was listed", removed);
    rewinddir(open);
    for (count = 0; readdir(open);) count++;
    tell("names after rewinding", count);
    closedir(open);
    tell("rmdir of what was emptied", rmdir(in("many")));
}

static void links(void) {
    make("file", "content");
    tell("link", link(in("file"), in("second")));
    tell("links of a file with two names", links_of("file"));
    tell("link over a file", link(in("file"), in("second")));
    tell("link of nothing", link(in("nothing"), in("x")));
    must("mkdir", mkdir(in("dir"), 0777));
    tell("link of a directory", link(in("dir"), in("x")));
    tell("link over a directory", link(in("file"), in("dir")));
    tell("link to a name behind a slash", link(in("file"), in("x/")));
    tell("unlink of one name", unlink(in("file")));
    tell_content("the other name has the content", "second");
    tell("symlink", symlink("second", in("soft")));
    tell("symlink over a file", symlink("x", in("second")));
    tell("symlink to an empty path", symlink("", in("x")));
    tell("symlink behind a slash", symlink("x", in("x/")));
    tell_text("type of a link", type_of("soft"));
    tell("size of a link", size_of("soft"));
    tell_content("content through a link", "soft");
    tell("readlink", readlink(in("soft"), buffer, 100));
    tell_if("the target is told", memcmp(buffer, "second", 6) == 0);
    tell("readlink of a part", readlink(in("soft"), buffer, 3));
    tell("readlink of a file", readlink(in("second"), buffer, 100));
    tell("readlink of a directory", readlink(in("dir"), buffer, 100));
    tell("readlink of nothing", readlink(in("nothing"), buffer, 100));
    tell("readlink behind a slash", readlink(in("soft/"), buffer, 100));
    tell("link of a link", link(in("soft"), in("soft2")));
    tell_text("a link of a link is a link", type_of("soft2"));
    tell("link of what a link points to", linkat(AT_FDCWD, in("soft"), AT_FDCWD, in("third"), AT_SYMLINK_FOLLOW));
    tell_text("a link of what it points to is a file", type_of("third"));
    must("symlink", symlink("../dir/../second", in("dir/up")));
    tell_content("a link that goes up", "dir/up");
    must("symlink", symlink("../soft", in("dir/chain")));
    tell_content("a link to a link", "dir/chain");
    snprintf(buffer, sizeof buffer, "%s/second", directory);
    must("symlink", symlink(buffer, in("dir/absolute")));
    tell_content("an absolute link", "dir/absolute");
    must("symlink", symlink("dir", in("to_dir")));
    tell_content("a file below a link", "to_dir/up");
    struct stat found;
    tell("stat of a link to a directory behind a slash", lstat(in("to_dir/"), &found) < 0 ? -1 : S_ISDIR(found.st_mode));
    tell("stat of a link to a file behind a slash", lstat(in("soft/"), &found));
    char name[64], target[64];
    for (int i = 0; i < 41; i++) {
        snprintf(name, sizeof name, "dir/l%d", i);
        snprintf(target, sizeof target, i ? "l%d" : "../second", i - 1);
        must("symlink", symlink(target, in(name)));
    }
    tell_content("40 links", "dir/l39");
    tell_content("41 links", "dir/l40");
}

static void renames(void) {
    make("a", "a");
    make("b", "b");
    must("mkdir", mkdir(in("d1"), 0777));
    must("mkdir", mkdir(in("d2"), 0777));
    make("d2/x", "x");
    tell("rename of nothing", rename(in("nothing"), in("x")));
    tell("rename", rename(in("a"), in("c")));
    tell_text("the old name is gone", type_of("a"));
    tell("rename over a file", rename(in("c"), in("b")));
    tell_content("the file that was there is gone", "b");
    tell("rename to itself", rename(in("b"), in("b")));
    must("link", link(in("b"), in("b2")));
    tell("rename to another name of the file", rename(in("b"), in("b2")));
    tell_text("both names stay", type_of("b"));
    tell("rename of a file over a directory", rename(in("b"), in("d1")));
    tell("rename of a directory over a file", rename(in("d1"), in("b")));
    tell("rename of a directory over one that is not empty", rename(in("d1"), in("d2")));
    tell("rename of a directory over an empty one", rename(in("d2"), in("d1")));
    tell_content("what was in it moved with it", "d1/x");
    tell("rename into itself", rename(in("d1"), in("d1/sub")));
    tell("rename of a directory behind a slash", rename(in("d1/"), in("d3")));
    tell("rename of a directory to a name behind a slash", rename(in("d3"), in("d4/")));
    tell("rename of a file behind a slash", rename(in("b/"), in("x")));
    tell("rename of a file to a name behind a slash", rename(in("b"), in("x/")));
    tell("rename of .", rename(in("d4/."), in("x")));
    tell("rename to ..", rename(in("b"), in("d4/..")));
    tell("rename below nothing", rename(in("b"), in("nothing/x")));
    must("symlink", symlink("b", in("l")));
    tell("rename of a link", rename(in("l"), in("l2")));
    tell_text("it still is a link", type_of("l2"));
    tell("rename over a link", rename(in("b2"), in("l2")));
    tell_text("the link is gone", type_of("l2"));
    int fd = opened("b", O_RDONLY);
    rename(in("b"), in("d4/moved"));
    tell("an open file is read after a rename", read(fd, buffer, 10));
    close(fd);
    fd = opened("d4", O_RDONLY | O_DIRECTORY);
    rename(in("d4"), in("d5"));
    tell_open("an open directory is used after a rename", openat(fd, "moved", O_RDONLY));
    close(fd);
}

static void times(void) {
    make("stamped", "");
    must("symlink", symlink("stamped", in("to_stamped")));
    struct timespec both[2] = {{1000, 5}, {2000, 7}};
    struct stat found, link;
    tell("set times", utimensat(AT_FDCWD, in("stamped"), both, 0));
    stat(in("stamped"), &found);
    tell_if("they are set to the nanosecond", found.st_atim.tv_sec == 1000 && found.st_atim.tv_nsec == 5 &&
                                                  found.st_mtim.tv_sec == 2000 && found.st_mtim.tv_nsec == 7);
    both[0].tv_nsec = UTIME_OMIT;
    both[1] = (struct timespec){3000, 0};
    tell("set one of them", utimensat(AT_FDCWD, in("to_stamped"), both, 0));
    stat(in("stamped"), &found);
    tell_if("the other one stays", found.st_atim.tv_sec == 1000 && found.st_mtim.tv_sec == 3000);
    both[0] = (struct timespec){4000, 0};
    tell("set the times of a link", utimensat(AT_FDCWD, in("to_stamped"), both, AT_SYMLINK_NOFOLLOW));
    lstat(in("to_stamped"), &link);
    stat(in("stamped"), &found);
    tell_if("the file keeps its own", link.st_atim.tv_sec == 4000 && found.st_atim.tv_sec == 1000);
    int fd = opened("stamped", O_RDWR);
    both[0].tv_nsec = both[1].tv_nsec = UTIME_NOW;
    tell("set times to now", futimens(fd, both));
    fstat(fd, &found);
    tell_if("now is after 2020", found.st_atim.tv_sec > 1577836800 && found.st_mtim.tv_sec > 1577836800);
    both[1] = (struct timespec){5000, 0};
    futimens(fd, both);
    tell("a write changes the time", write(fd, "x", 1));
    fstat(fd, &found);
    tell_if("it did", found.st_mtim.tv_sec > 5000);
    close(fd);
    tell("set the times of nothing", utimensat(AT_FDCWD, in("nothing"), both, 0));
    must("mkdir", mkdir(in("stamped_dir"), 0777));
    both[1] = (struct timespec){6000, 0};
    tell("set the times of a directory", utimensat(AT_FDCWD, in("stamped_dir"), both, 0));
    make("stamped_dir/x", "");
    stat(in("stamped_dir"), &found);
    tell_if("a new name in it changes them", found.st_mtim.tv_sec > 6000);
}

static void standing(void) {
    must("mkdir", mkdir(in("here"), 0777));
    must("mkdir", mkdir(in("here/sub"), 0777));
    must("symlink", symlink("here/sub", in("shortcut")));
    make("plain", "");
    tell("chdir", kernel_chdir(in("here")));
    tell_cwd("the working directory");
    tell("chdir to a relative path", kernel_chdir("sub/../sub"));
    tell_cwd("after that");
    tell("chdir to ..", kernel_chdir(".."));
    tell("chdir through a link", kernel_chdir("../shortcut"));
    tell_cwd("the real path is told");
    tell("chdir to nothing", kernel_chdir("nothing"));
    tell("chdir to a file", kernel_chdir(in("plain")));
    tell("chdir to an empty path", kernel_chdir(""));
    must("rename", kernel_rename(in("here"), in("there")));
    tell_cwd("after the directory was renamed");
    tell("a relative path begins there", kernel_rename("../sub", "../moved"));
    tell_cwd("after it was renamed by a relative path");
    must("rmdir", kernel_rmdir(in("there/moved")));
    tell_cwd("after the directory was removed");
    tell("chdir to .. of a directory that was removed", kernel_chdir("x"));
    tell("chdir to an absolute path", kernel_chdir(in("there")));
    tell_cwd("and there again");
    tell("chdir away", kernel_chdir("/"));
}

int main(int argc, char **argv) {
    directory = argc > 1 ? argv[1] : ".";
    directories();
    parents();
    many();
    links();
    renames();
    times();
    standing();
    return 0;
}
