/*
 * Runs a command, or a pipeline, as a shell would, with proc_spawn2, and exits with the last one's status:
 *
 *   run_command NAME [ARGUMENT...] [| NAME [ARGUMENT...]]...
 *
 * A name without "/" is looked for in $PATH. What cannot be run is told as "errno N", exit status 127.
 */
#include "process.h"

#include <unistd.h>

enum { MOST = 16 };

/* Starts args[0..count) with these standard streams; returns its pid, or a negative errno. */
static int start(char **args, int count, int input, int output) {
    static char list[1 << 16];
    const char *path = getenv("PATH");
    size_t size = 0;
    int pid = -1, actions = 0;
    wasix_proc_spawn_fd_op_t operations[4] = {{.cmd = 0}};
    for (int i = 0; i < count; i++)
        size += (size_t)snprintf(list + size, sizeof list - size, "%s\n", args[i]);
    if (input != 0) {
        operations[actions++] = (wasix_proc_spawn_fd_op_t){.cmd = 1, .fd = 0, .src_fd = input};
        operations[actions++] = (wasix_proc_spawn_fd_op_t){.cmd = 0, .fd = input};
    }
    if (output != 1) {
        operations[actions++] = (wasix_proc_spawn_fd_op_t){.cmd = 1, .fd = 1, .src_fd = output};
        operations[actions++] = (wasix_proc_spawn_fd_op_t){.cmd = 0, .fd = output};
    }
    int error = wasix_proc_spawn2(args[0], strlen(args[0]), list, size, 0, 0, operations, (size_t)actions, 0, 0, 1, path,
                                  path ? strlen(path) : 0, &pid);
    return error ? -error : pid;
}

int main(int count, char **args) {
    int pids[MOST], started = 0, input = 0, status = 0;
    for (int first = 1, next; first < count && started < MOST; first = next + 1) {
        int ends[2] = {0, 1};
        for (next = first; next < count && strcmp(args[next], "|"); next++)
            continue;
        if (next < count) {
            process_pipe(ends);
            wasix_fd_fdflags_set(ends[0], 1); /* the child has no use for it */
        }
        int pid = start(args + first, next - first, input, ends[1]);
        if (pid < 0) {
            printf("errno %d\n", -pid);
            return 127;
        }
        pids[started++] = pid;
        if (input != 0)
            close(input);
        if (ends[1] != 1)
            close(ends[1]);
        input = ends[0];
    }
    for (int i = 0; i < started; i++)
        process_wait(pids[i], 1, &status);
    return status;
}
