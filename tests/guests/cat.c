/* Copies standard input to standard output: fd_read and fd_write, nothing between. */
#include <unistd.h>

int main(void) {
    static char data[65536];
    ssize_t size;
    while ((size = read(0, data, sizeof data)) > 0) {
        for (ssize_t done = 0; done < size;) {
            ssize_t written = write(1, data + done, (size_t)(size - done));
            if (written < 0) return 1;
            done += written;
        }
    }
    return size < 0;
}
