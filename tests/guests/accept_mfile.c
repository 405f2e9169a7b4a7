/*
 * No free descriptor: MFILE, and the caller stays in the queue.
 *
 * Needs a limit of at most 4096 open files (natively it sets one itself).
 */
#include "check.h"

#ifndef __wasm__
#include <sys/resource.h>
#endif

int main(int argc, char **argv) {
    static int filling[4096];
    int count = 0, fd;
    address here = test_address(argc, argv), peer;
#ifndef __wasm__
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64});
#endif
    int listener = sock_listener(&here, 4);
    int caller = sock_caller(&here);
    must("non-blocking", sock_set_nonblocking(listener, true)); /* a wrong host must fail here, not hang */
    while (count < 4096 && (fd = sock_open(here.family, SOCK_TYPE_STREAM)) >= 0) filling[count++] = fd;
    check_error("the table is full", count < 4096 ? fd : 0, EMFILE);
    check_error("accept without a free descriptor", sock_accept(listener, 0, &peer), EMFILE);
    check_error("and again", sock_accept(listener, 0, &peer), EMFILE);
    sock_close(filling[--count]);
    check_caller("after one is closed the caller is still there", listener, caller);
    while (count > 0) sock_close(filling[--count]);
    return finish();
}
