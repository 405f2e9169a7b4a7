/*
 * A Unix echo server, and itself as its caller with -c.
 *
 *   unix_echo [-c] [PATH]
 *
 * Prints "listening on PATH", then each caller's path; echoes until the caller is done, then takes the next one. With
 * -c it calls itself once over a stream, once over a pair, prints what came back, and ends.
 */
#include "portable.h"

static void echo(int caller) {
    static char data[65536];
    int size;
    while ((size = sock_recv(caller, data, sizeof data)) > 0) {
        if (sock_send_all(caller, data, (size_t)size) < 0) break;
    }
}

static int serve_one(int listener) {
    char peer[PATH_SIZE];
    int caller = must("accept", sock_accept_path(listener, 0, peer));
    say("caller %s", peer[0] ? peer : "without a name");
    return caller;
}

/* One thread plays both parts: what is sent fits into the buffer of the other side. */
static void ask(int here, int there) {
    char data[16] = "";
    must("send", sock_send_all(here, "hello", 5));
    must("shutdown", sock_shutdown(here, SHUTDOWN_WRITE));
    echo(there);
    int size = must("recv", sock_recv(here, data, sizeof data - 1));
    say("%d bytes: %s", size, data);
    sock_close(here);
    sock_close(there);
}

int main(int argc, char **argv) {
    bool call = argc > 1 && strcmp(argv[1], "-c") == 0;
    const char *path = argc > 1 + call ? argv[1 + call] : "/echo";
    int listener = must("open", sock_open(FAMILY_UNIX, SOCK_TYPE_STREAM));
    must("bind", sock_bind_path(listener, path));
    must("listen", sock_listen(listener, 128));
    say("listening on %s", path);

    if (call) {
        int ends[2], here = must("open", sock_open(FAMILY_UNIX, SOCK_TYPE_STREAM));
        must("bind", sock_bind_path(here, "/caller"));
        must("connect", sock_connect_path(here, path));
        ask(here, serve_one(listener));
        must("pair", sock_pair(FAMILY_UNIX, SOCK_TYPE_STREAM, ends));
        ask(ends[0], ends[1]);
        return 0;
    }
    for (;;) {
        int caller = serve_one(listener);
        echo(caller);
        sock_close(caller);
    }
}
