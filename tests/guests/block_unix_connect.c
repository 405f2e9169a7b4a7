/* Prints "blocking" and blocks in connect to a Unix listener whose queue is full. No network is needed. */
#include "portable.h"

static int caller(void) {
    return must("open", sock_open(FAMILY_UNIX, SOCK_TYPE_STREAM));
}

int main(void) {
    int listener = caller();
    must("bind", sock_bind_path(listener, "/busy"));
    must("listen", sock_listen(listener, 0)); /* one waiting caller fits into a queue of length 0 */
    must("connect", sock_connect_path(caller(), "/busy"));
    int late = caller();
    say("blocking");
    return sock_connect_path(late, "/busy") < 0;
}
