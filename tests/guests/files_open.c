/* How opening, reading, writing and seeking behave. */
#include "files_common.h"

static void opening(void) {
    tell_open("open of nothing", open(in("nothing"), O_RDONLY));
    tell_open("open makes a file", open(in("made"), O_CREAT | O_WRONLY, 0666));
    tell_open("open makes a file that is there", open(in("made"), O_CREAT | O_WRONLY, 0666));
    tell_open("open makes a new file that is there", open(in("made"), O_CREAT | O_EXCL | O_WRONLY, 0666));
    tell_open("open makes a new file", open(in("new"), O_CREAT | O_EXCL | O_RDWR, 0666));
    must("mkdir", mkdir(in("dir"), 0777));
    must("symlink", symlink("made", in("link")));
    must("symlink", symlink("later", in("dangling")));
    must("symlink", symlink("loop", in("loop")));
    must("symlink", symlink("dir", in("to_dir")));
    tell_open("open of a directory to read", open(in("dir"), O_RDONLY));
    tell_open("open of a directory to write", open(in("dir"), O_WRONLY));
    tell_open("open of a directory to read and write", open(in("dir"), O_RDWR));
    tell_open("open makes a directory's name", open(in("dir"), O_CREAT | O_RDONLY, 0666));
    tell_open("open makes a new file in place of a directory", open(in("dir"), O_CREAT | O_EXCL | O_RDONLY, 0666));
    tell_open("open cuts a directory", open(in("dir"), O_TRUNC | O_RDONLY));
    tell_open("open of a directory as a directory", open(in("dir"), O_DIRECTORY | O_RDONLY));
    tell_open("open of a file as a directory", open(in("made"), O_DIRECTORY | O_RDONLY));
    tell_open("open of a link to a directory as a directory", open(in("to_dir"), O_DIRECTORY | O_RDONLY));
    tell_open("open through a link", open(in("link"), O_RDONLY));
    tell_open("open of a link that is not followed", open(in("link"), O_NOFOLLOW | O_RDONLY));
    tell_open("open of a link to nothing", open(in("dangling"), O_RDONLY));
    tell_open("open makes a new file where a link is", open(in("dangling"), O_CREAT | O_EXCL | O_WRONLY, 0666));
    tell_open("open makes what a link points to", open(in("dangling"), O_CREAT | O_WRONLY, 0666));
    tell_text("what the link pointed to is there", type_of("later"));
    tell_open("open of a link to itself", open(in("loop"), O_RDONLY));
    tell_open("open of a file behind a slash", open(in("made/"), O_RDONLY));
    tell_open("open of a directory behind slashes", open(in("dir///"), O_RDONLY));
    tell_open("open makes a file behind a slash", open(in("fresh/"), O_CREAT | O_WRONLY, 0666));
    tell_open("open below a file", open(in("made/x"), O_RDONLY));
    tell_open("open below a link to a directory", open(in("to_dir/x"), O_CREAT | O_WRONLY, 0666));
    tell_open("open by way of a directory and back", open(in("dir/../made"), O_RDONLY));
    tell_open("open by way of nothing and back", open(in("nothing/../made"), O_RDONLY));
    tell_open("open by way of a file and back", open(in("made/../made"), O_RDONLY));
    tell_open("open with dots and slashes", open(in(".//./dir/./../made"), O_RDONLY));
    char name[300] = "";
    memset(name, 'n', 255);
    tell_open("open makes a name of 255 bytes", open(in(name), O_CREAT | O_WRONLY, 0666));
    memset(name, 'n', 256);
    tell_open("open makes a name of 256 bytes", open(in(name), O_CREAT | O_WRONLY, 0666));
    static char deep[4097];
    for (int i = 0; i < 4096; i += 2) memcpy(deep + i, "./", 2);
    tell_open("open of a path of over 4096 bytes", open(in(deep), O_RDONLY));
}

static void writing(void) {
    int fd = opened("data", O_CREAT | O_TRUNC | O_RDWR);
    tell("write", write(fd, "hello", 5));
    tell("position after a write", lseek(fd, 0, SEEK_CUR));
    tell("read at the end", read(fd, buffer, 10));
    tell("pread from the start", pread(fd, buffer, 3, 0));
    tell("pread beyond the end", pread(fd, buffer, 3, 100));
    tell("pwrite in the middle", pwrite(fd, "EL", 2, 1));
    tell("position after pread and pwrite", lseek(fd, 0, SEEK_CUR));
    tell_content("content after pwrite", "data");
    tell("seek beyond the end", lseek(fd, 8, SEEK_SET));
    tell("size after a seek beyond the end", size_of("data"));
    tell("write beyond the end", write(fd, "!", 1));
    tell("size after a write beyond the end", size_of("data"));
    tell("pread of the hole", pread(fd, buffer, 9, 0));
    tell_if("the hole is zeros", memcmp(buffer, "hELlo\0\0\0!", 9) == 0);
    tell("seek from the end", lseek(fd, -2, SEEK_END));
    tell("seek before the start", lseek(fd, -1, SEEK_SET));
    tell("seek back before the start", lseek(fd, -100, SEEK_CUR));
    tell("seek with an unknown origin", lseek(fd, 0, 99));
    tell("position after failed seeks", lseek(fd, 0, SEEK_CUR));
    tell("write of no bytes", write(fd, "", 0));
    tell("read of no bytes", read(fd, buffer, 0));
    struct iovec parts[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    tell("writev of several parts", writev(fd, parts, 3));
    tell("seek to the start", lseek(fd, 0, SEEK_SET));
    struct iovec places[2] = {{buffer, 3}, {buffer + 100, 50}};
    tell("readv into several parts", readv(fd, places, 2));
    tell_if("the parts are filled in order", memcmp(buffer, "hEL", 3) == 0 && memcmp(buffer + 100, "lo", 2) == 0);
    int twin = duplicate(fd);
    lseek(twin, 2, SEEK_SET);
    tell("a duplicate has the same position", lseek(fd, 0, SEEK_CUR));
    close(twin);
    int other = opened("data", O_RDONLY);
    tell("another open file has its own position", lseek(other, 0, SEEK_CUR));
    tell("cut to 4 bytes", ftruncate(fd, 4));
    tell("position after a cut", lseek(fd, 0, SEEK_CUR));
    tell("the other open file sees the cut", read(other, buffer, 100));
    tell("grow to 10 bytes", ftruncate(fd, 10));
    tell("the other open file reads zeros", read(other, buffer, 100));
    tell("cut to fewer than no bytes", ftruncate(fd, -1));
    tell("read of a closed descriptor", (close(other), read(other, buffer, 1)));
    tell("fsync", fsync(fd));
    tell("fdatasync", fdatasync(fd));
    tell_error("allocate 100 bytes", posix_fallocate(fd, 0, 100));
    tell("size after that", size_of("data"));
    tell_error("allocate fewer than there are", posix_fallocate(fd, 0, 10));
    tell("size is the same", size_of("data"));
    tell_error("allocate no bytes", posix_fallocate(fd, 0, 0));
    tell_error("say how it is read", posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
    close(fd);
}

static void appending(void) {
    make("log", "one");
    int fd = opened("log", O_WRONLY | O_APPEND);
    tell("position of a file that is appended to", lseek(fd, 0, SEEK_CUR));
    tell("append", write(fd, " two", 4));
    tell("position after an append", lseek(fd, 0, SEEK_CUR));
    lseek(fd, 0, SEEK_SET);
    tell("append after a seek", write(fd, " three", 6));
    tell("pwrite appends", pwrite(fd, " four", 5, 0));
    tell_content("all was appended", "log");
    tell_if("the flag is told", fcntl(fd, F_GETFL) & O_APPEND);
    tell("the flag is taken away", fcntl(fd, F_SETFL, 0));
    tell("pwrite then writes in place", pwrite(fd, "ONE", 3, 0));
    tell_content("it was written in place", "log");
    tell("the flag is set again", fcntl(fd, F_SETFL, O_APPEND));
    tell("and counts", (lseek(fd, 0, SEEK_SET), write(fd, ".", 1)));
    tell("size", size_of("log"));
    close(fd);
    fd = opened("log", O_WRONLY | O_TRUNC);
    tell("a file that was cut on opening", size_of("log"));
    close(fd);
    make("gone", "still there");
    fd = opened("gone", O_RDWR);
    tell("unlink of an open file", unlink(in("gone")));
    tell("it has no name", size_of("gone"));
    tell("it is read all the same", read(fd, buffer, 5));
    tell("and written", write(fd, "x", 1));
    struct stat found;
    fstat(fd, &found);
    tell("links of a file without a name", (long long)found.st_nlink);
    close(fd);
}

int main(int argc, char **argv) {
    directory = argc > 1 ? argv[1] : ".";
    opening();
    writing();
    appending();
    return 0;
}
