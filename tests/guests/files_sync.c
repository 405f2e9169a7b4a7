/* Writes a journal, has it synced, says so, and waits for ever: what was synced must survive whatever ends its host. */
#include "files_common.h"

int main(int argc, char **argv) {
    static const char *const lines[] = {"one\n", "two\n", "three\n"};
    directory = argc > 1 ? argv[1] : ".";
    int fd = opened("journal.new", O_CREAT | O_TRUNC | O_WRONLY);
    for (int i = 0; i < 3; i++) {
        must("write", (int)write(fd, lines[i], strlen(lines[i])));
        must("fdatasync", fdatasync(fd));
    }
    must("fsync", fsync(fd));
    must("rename", rename(in("journal.new"), in("journal")));
    int here = must("open", open(directory, O_RDONLY | O_DIRECTORY));
    must("fsync of the directory", fsync(here));
    puts("synced");
    fflush(stdout);
    return (int)read(0, buffer, 1);
}
