/* Behaviours of Unix sockets, named and in pairs. The family of the address given does not matter. */
#include "behaviours.h"

static char path[PATH_SIZE];

static int fresh_unix(int type) {
    int fd = must("open", sock_open(FAMILY_UNIX, type));
    must("patience", sock_set_time(fd, OPTION_RECV_TIMEOUT, PATIENCE_MS));
    return fd;
}

static int listening(const char *name, int backlog) {
    int fd = fresh_unix(SOCK_TYPE_STREAM);
    must("bind", sock_bind_path(fd, name));
    must("listen", sock_listen(fd, backlog));
    return fd;
}

static void tell_path(const char *name, int result) {
    tell_text(name, result < 0 ? error_name(result) : path[0] ? path : "no name");
}

static void streams(void) {
    int fd = fresh_unix(SOCK_TYPE_STREAM), other = fresh_unix(SOCK_TYPE_STREAM);
    tell_path("the path of a fresh Unix socket", sock_local_path(fd, path));
    tell("connect to a path never bound", sock_connect_path(other, "/nobody"));
    tell("listen on an unbound Unix socket", sock_listen(fd, 1));
    tell("bind to a path", sock_bind_path(fd, "/server"));
    tell_path("the path of a bound Unix socket", sock_local_path(fd, path));
    tell("bind to another path", sock_bind_path(fd, "/server2"));
    tell("bind to a path in use", sock_bind_path(other, "/server"));
    tell("connect to a path that does not listen", sock_connect_path(other, "/server"));
    tell("accept on a Unix socket that does not listen", sock_accept_path(fd, 0, path));
    tell("listen on a path", sock_listen(fd, 4));
    tell("connect to a path", sock_connect_path(other, "/server"));
    tell("connect of a connected Unix socket", sock_connect_path(other, "/server"));
    tell_path("the peer of a Unix caller", sock_peer_path(other, path));
    tell_path("the path of a caller without a name", sock_local_path(other, path));
    int accepted = sock_accept_path(fd, 0, path);
    tell_path("accept of a caller without a name", accepted);
    tell_path("the path of an accepted Unix socket", sock_local_path(accepted, path));
    tell_path("the peer of an accepted Unix socket", sock_peer_path(accepted, path));
    tell("send over a Unix stream", send_text(other, "hello"));
    tell_data("recv over a Unix stream", sock_recv(accepted, buffer, 10));
    address nobody;
    send_text(accepted, "back");
    bool cut = true;
    tell_data("recv_from on a Unix stream", sock_recv_from(other, buffer, 10, 0, &nobody, &cut));
    tell("send_to on a connected Unix stream", sock_send_to_path(other, "x", 1, 0, "/server"));
    sock_shutdown(other, SHUTDOWN_WRITE);
    tell("recv after a Unix peer shut down", sock_recv(accepted, buffer, 10));
    tell("send after shutdown of a Unix stream", send_text(other, "x"));
    sock_close(other);
    tell("send to a Unix peer that has closed", send_text(accepted, "x"));
    sock_close(accepted);
    other = fresh_unix(SOCK_TYPE_STREAM);
    must("bind", sock_bind_path(other, "/caller"));
    must("connect", sock_connect_path(other, "/server"));
    accepted = sock_accept_path(fd, ACCEPT_NONBLOCK, path);
    tell_path("accept of a caller with a name", accepted);
    tell("recv on an accepted non-blocking Unix socket", sock_recv(accepted, buffer, 1));
    send_text(accepted, "unread");
    sock_close(other);
    tell("close of a Unix stream with unread bytes", sock_recv(accepted, buffer, 1));
    sock_close(accepted);
    must("non-blocking", sock_set_nonblocking(fd, true));
    tell("accept on a non-blocking Unix listener", sock_accept_path(fd, 0, path));
    sock_close(fd);
    other = fresh_unix(SOCK_TYPE_STREAM);
    tell("connect to a path whose listener closed", sock_connect_path(other, "/server"));
    tell("send on an unconnected Unix stream", send_text(other, "x"));
    tell("recv on an unconnected Unix stream", sock_recv(other, buffer, 1));
    tell("shutdown of an unconnected Unix stream", sock_shutdown(other, SHUTDOWN_WRITE));
    tell("connect of a Unix socket to an IP address", sock_connect(other, &here));
    tell("bind of a Unix socket to an IP address", sock_bind(other, &here));
    sock_close(other);
    other = fresh_stream();
    tell("bind of an IP socket to a path", sock_bind_path(other, "/ip"));
    tell("connect of an IP socket to a path", sock_connect_path(other, "/ip"));
    sock_close(other);
}

static void full_listeners(void) {
    int listener = listening("/full", 0), first = fresh_unix(SOCK_TYPE_STREAM), second = fresh_unix(SOCK_TYPE_STREAM);
    tell("connect to a listener with backlog 0", sock_connect_path(first, "/full"));
    must("non-blocking", sock_set_nonblocking(second, true));
    tell("non-blocking connect to a full listener", sock_connect_path(second, "/full"));
    int accepted = must("accept", sock_accept_path(listener, 0, path));
    tell("non-blocking connect when there is room again", sock_connect_path(second, "/full"));
    sock_close(listener);
    tell("a Unix listener that closes breaks callers off", sock_recv(second, buffer, 1));
    sock_close(accepted);
    sock_close(first);
    sock_close(second);
}

static void datagrams(void) {
    int server = fresh_unix(SOCK_TYPE_DATAGRAM), client = fresh_unix(SOCK_TYPE_DATAGRAM);
    must("bind", sock_bind_path(server, "/datagrams"));
    tell("send_to to a path", sock_send_to_path(client, "hello", 5, 0, "/datagrams"));
    tell_data("recv_from a path", sock_recv_from_path(server, buffer, 10, 0, path));
    tell_path("the sender without a name", 0);
    must("bind", sock_bind_path(client, "/sender"));
    tell("send_to to a path from a path", sock_send_to_path(client, "named", 5, 0, "/datagrams"));
    tell_data("recv_from of a sender with a name", sock_recv_from_path(server, buffer, 10, 0, path));
    tell_path("the sender's name", 0);
    tell("an answer to the sender's path", sock_send_to_path(server, "answer", 6, 0, path));
    tell_data("the answer to a path reaches the sender", sock_recv_from_path(client, buffer, 10, 0, path));
    tell("an empty Unix datagram is sent", sock_send_to_path(client, "", 0, 0, "/datagrams"));
    tell("an empty Unix datagram is received", sock_recv_from_path(server, buffer, 10, 0, path));
    sock_send_to_path(client, "0123456789", 10, 0, "/datagrams");
    tell_data("a Unix datagram is cut to the buffer", sock_recv_from_path(server, buffer, 4, 0, path));
    tell("the rest of a Unix datagram is gone", sock_recv_flags(server, buffer, 10, RECV_DONT_WAIT));
    tell("send_to to a path nobody has", sock_send_to_path(client, "x", 1, 0, "/missing"));
    tell("send on an unconnected Unix datagram socket", send_text(client, "x"));
    tell("connect of a Unix datagram socket", sock_connect_path(client, "/datagrams"));
    tell("send on a connected Unix datagram socket", send_text(client, "sent"));
    tell_data("it arrives at the connected path", sock_recv(server, buffer, 10));
    tell_path("the peer of a Unix datagram socket", sock_peer_path(client, path));
    int stranger = fresh_unix(SOCK_TYPE_DATAGRAM);
    tell("listen on a Unix datagram socket", sock_listen(server, 1));
    tell("connect of a stream to a datagram path", sock_connect_path(fresh_unix(SOCK_TYPE_STREAM), "/datagrams"));
    int listener = listening("/streams", 1);
    tell("send_to to the path of a stream", sock_send_to_path(stranger, "x", 1, 0, "/streams"));
    sock_close(listener);
    sock_close(server);
    tell("send to a Unix datagram peer that closed", send_text(client, "x"));
    tell("send_to to a path whose socket closed", sock_send_to_path(stranger, "x", 1, 0, "/datagrams"));
    sock_close(stranger);
    sock_close(client);
}

static void full_datagram_queue(void) {
    int server = fresh_unix(SOCK_TYPE_DATAGRAM), client = fresh_unix(SOCK_TYPE_DATAGRAM);
    must("bind", sock_bind_path(server, "/queue"));
    must("non-blocking", sock_set_nonblocking(client, true));
    int result = 0, sent = 0, received = 0;
    for (; sent < 100000 && result >= 0; sent++) result = sock_send_to_path(client, "x", 1, 0, "/queue");
    tell_ok("send_to to a path whose queue is full", result);
    while (sock_recv_flags(server, buffer, 10, RECV_DONT_WAIT) > 0) received++;
    tell_if("no Unix datagram is lost", received == sent - 1);
    sock_close(server);
    sock_close(client);
}

static void pairs(void) {
    int ends[2] = {-1, -1};
    address none;
    tell("a pair of IP sockets", sock_pair(here.family, SOCK_TYPE_STREAM, ends));
    tell("a pair of streams", sock_pair(FAMILY_UNIX, SOCK_TYPE_STREAM, ends));
    tell_path("the path of one end", sock_local_path(ends[0], path));
    tell_path("the path of the other end", sock_peer_path(ends[0], path));
    tell("TYPE of a stream pair", sock_get_size(ends[0], OPTION_TYPE));
    tell("send into a pair", send_text(ends[0], "there"));
    tell_data("recv out of a pair", sock_recv(ends[1], buffer, 10));
    send_text(ends[1], "back");
    tell_data("a pair works both ways", file_read(ends[0], buffer, 10));
    tell("recv with DONT_WAIT on an idle pair", sock_recv_flags(ends[0], buffer, 1, RECV_DONT_WAIT));
    tell("connect of an end", sock_connect_path(ends[0], "/server"));
    tell("listen on an end", sock_listen(ends[0], 1));
    tell("accept on an end", sock_accept(ends[0], 0, &none));
    tell("shutdown of an end", sock_shutdown(ends[0], SHUTDOWN_WRITE));
    tell("recv at the other end of a pair", sock_recv(ends[1], buffer, 10));
    send_text(ends[1], "half");
    tell_data("the other way of a pair stays open", sock_recv(ends[0], buffer, 10));
    sock_close(ends[0]);
    tell("send to a closed end", send_text(ends[1], "x"));
    tell("recv from a closed end", sock_recv(ends[1], buffer, 1));
    sock_close(ends[1]);

    tell("a pair of datagram sockets", sock_pair(FAMILY_UNIX, SOCK_TYPE_DATAGRAM, ends));
    tell("TYPE of a datagram pair", sock_get_size(ends[0], OPTION_TYPE));
    send_text(ends[0], "one");
    send_text(ends[0], "two");
    tell_data("a datagram pair keeps the first", sock_recv(ends[1], buffer, 10));
    tell_data("a datagram pair keeps the second apart", sock_recv(ends[1], buffer, 10));
    sock_close(ends[0]);
    tell("send to a closed datagram end", send_text(ends[1], "x"));
    sock_close(ends[1]);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    streams();
    full_listeners();
    datagrams();
    full_datagram_queue();
    pairs();
    return 0;
}
