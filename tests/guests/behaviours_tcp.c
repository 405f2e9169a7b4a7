/* Behaviours of TCP sockets: receiving, sending, finishing, breaking off. */
#include "behaviours.h"

static bool is_cut;

static void addresses(void) {
    connection c = connected();
    address found;
    tell_where("accept tells the caller's address", 0, &c.peer);
    tell_address("the caller's own address is what accept told", sock_local(c.client, &found), &found, &c.peer);
    tell_address("the caller's peer is the listener", sock_peer(c.client, &found), &found, &c.where);
    tell_address("an accepted socket has the listener's address", sock_local(c.server, &found), &found, &c.where);
    tell_address("an accepted socket's peer is the caller", sock_peer(c.server, &found), &found, &c.peer);
    tell("the peer of a listener", sock_peer(c.listener, &found));
    forget(&c);
    int fd = fresh_stream();
    tell_where("the local address of a fresh socket", sock_local(fd, &found), &found);
    tell("the peer of a fresh socket", sock_peer(fd, &found));
    must("bind", sock_bind(fd, &here));
    tell_where("the local address after bind to port 0", sock_local(fd, &found), &found);
    sock_close(fd);
}

static void receiving(void) {
    connection c = connected();
    tell("send tells the bytes taken", send_text(c.client, "hello world"));
    must("wait", await(c.server, false));
    tell_data("recv of fewer bytes than wait", sock_recv(c.server, buffer, 5));
    tell_data("recv of more bytes than wait", sock_recv(c.server, buffer, 100));
    tell("recv with DONT_WAIT and nothing there", sock_recv_flags(c.server, buffer, 10, RECV_DONT_WAIT));
    tell("PEEK with DONT_WAIT and nothing there", sock_recv_flags(c.server, buffer, 10, RECV_PEEK | RECV_DONT_WAIT));
    tell("send of no bytes", sock_send(c.client, buffer, 0));
    send_text(c.client, "abcdef");
    tell_data("PEEK", sock_recv_flags(c.server, buffer, 3, RECV_PEEK));
    tell_data("PEEK once more", sock_recv_flags(c.server, buffer, 6, RECV_PEEK));
    tell("recv into no bytes while some wait", sock_recv(c.server, buffer, 0));
    tell_data("recv after PEEK", sock_recv(c.server, buffer, 6));
    send_text(c.client, "123");
    send_text(c.client, "456");
    tell_data("WAIT_ALL over two sends", sock_recv_flags(c.server, buffer, 6, RECV_WAIT_ALL));
    send_text(c.client, "78");
    must("finish", sock_shutdown(c.client, SHUTDOWN_WRITE));
    tell_data("WAIT_ALL is cut short by the end", sock_recv_flags(c.server, buffer, 6, RECV_WAIT_ALL));
    tell("recv at the end", sock_recv(c.server, buffer, 6));
    tell("recv at the end once more", sock_recv(c.server, buffer, 6));
    tell("PEEK at the end", sock_recv_flags(c.server, buffer, 6, RECV_PEEK));
    tell("WAIT_ALL at the end", sock_recv_flags(c.server, buffer, 6, RECV_WAIT_ALL));
    tell("sending still works when the peer has finished", send_text(c.server, "late"));
    tell_data("recv of what was sent after finishing", sock_recv(c.client, buffer, 6));
    forget(&c);
}

static void from_streams(void) {
    connection c = connected();
    address from = {0};
    send_text(c.client, "stream");
    is_cut = true;
    tell_data("recv_from on a stream", sock_recv_from(c.server, buffer, 3, 0, &from, &is_cut));
    tell_if("recv_from on a stream cuts nothing off", !is_cut);
    tell_where("recv_from on a stream tells no address", 0, &from);
    tell_data("the rest of it is still there", sock_recv(c.server, buffer, 10));
    tell("send_to on a connected stream ignores the address", sock_send_to(c.client, "x", 1, 0, &c.where));
    forget(&c);
    int fd = fresh_stream();
    address where = refusing();
    tell("send_to on a fresh stream", sock_send_to(fd, "x", 1, 0, &where));
    tell("recv_from on a fresh stream", sock_recv_from(fd, buffer, 1, 0, &from, &is_cut));
    sock_close(fd);
}

static void not_connected(void) {
    int fd = fresh_stream();
    tell("recv on a fresh socket", sock_recv(fd, buffer, 1));
    tell("send on a fresh socket", sock_send(fd, "x", 1));
    tell("send of no bytes on a fresh socket", sock_send(fd, "", 0));
    tell("shutdown of a fresh socket", sock_shutdown(fd, SHUTDOWN_WRITE));
    sock_close(fd);
    address where = here;
    int listener = sock_listener(&where, 1);
    tell("recv on a listener", sock_recv(listener, buffer, 1));
    tell("send on a listener", sock_send(listener, "x", 1));
    sock_close(listener);
    tell("recv on a closed descriptor", sock_recv(fd, buffer, 1));
    tell("send on a closed descriptor", sock_send(fd, "x", 1));
    tell("close of a closed descriptor", sock_close(fd));
    tell("shutdown of a closed descriptor", sock_shutdown(fd, SHUTDOWN_WRITE));
}

static void finishing(void) {
    connection c = connected();
    tell("shutdown for writing", sock_shutdown(c.client, SHUTDOWN_WRITE));
    tell("send after it", sock_send(c.client, "x", 1));
    tell("shutdown for writing again", sock_shutdown(c.client, SHUTDOWN_WRITE));
    tell("the peer sees the end", sock_recv(c.server, buffer, 1));
    tell("shutdown for reading", sock_shutdown(c.client, SHUTDOWN_READ));
    tell("recv after it", sock_recv(c.client, buffer, 1));
    tell("shutdown of both sides when both are", sock_shutdown(c.client, SHUTDOWN_READ | SHUTDOWN_WRITE));
    forget(&c);
    c = connected();
    send_text(c.server, "queued");
    must("wait", await(c.client, false));
    sock_shutdown(c.client, SHUTDOWN_READ);
    tell_data("shutdown for reading keeps what is queued", sock_recv(c.client, buffer, 10));
    tell("recv when that is empty", sock_recv(c.client, buffer, 10));
    forget(&c);
    c = connected();
    send_text(c.client, "last words");
    sock_close(c.client);
    tell_data("what was sent before close arrives", sock_recv_flags(c.server, buffer, 10, RECV_WAIT_ALL));
    tell("then the end", sock_recv(c.server, buffer, 10));
    tell("send to a peer that has closed", send_text(c.server, "?"));
    int result = 0;
    for (int i = 0; i < 100000 && result >= 0; i++) result = send_text(c.server, "?");
    tell_ok("the send that hears of it", result);
    tell("recv after that", sock_recv(c.server, buffer, 10));
    sock_close(c.server);
    sock_close(c.listener);
}

static void breaking_off(void) {
    connection c = connected();
    must("linger", sock_set_linger(c.client, 0));
    sock_close(c.client);
    tell("recv after the peer broke off", sock_recv(c.server, buffer, 10));
    tell("recv after that error", sock_recv(c.server, buffer, 10));
    tell("send after the connection broke", send_text(c.server, "x"));
    address found;
    tell("the peer's address after the connection broke", sock_peer(c.server, &found));
    tell("shutdown after the connection broke", sock_shutdown(c.server, SHUTDOWN_WRITE));
    sock_close(c.server);
    sock_close(c.listener);

    c = connected();
    must("linger", sock_set_linger(c.client, 0));
    sock_close(c.client);
    must("wait", await(c.server, false));
    tell("send as the first call after the peer broke off", send_text(c.server, "x"));
    tell("the send after that", send_text(c.server, "x"));
    sock_close(c.server);
    sock_close(c.listener);

    c = connected();
    must("linger", sock_set_linger(c.client, 0));
    sock_close(c.client);
    must("wait", await(c.server, false));
    tell_errno("LAST_ERROR after the peer broke off", sock_get_size(c.server, OPTION_LAST_ERROR));
    tell_errno("LAST_ERROR is told once", sock_get_size(c.server, OPTION_LAST_ERROR));
    tell("recv after LAST_ERROR was told", sock_recv(c.server, buffer, 10));
    sock_close(c.server);
    sock_close(c.listener);

    c = connected();
    send_text(c.client, "unread");
    must("wait", await(c.server, false));
    sock_close(c.server);
    tell("close with unread bytes breaks off", sock_recv(c.client, buffer, 10));
    sock_close(c.client);
    sock_close(c.listener);

    c = connected();
    send_text(c.client, "queued");
    must("wait", await(c.server, false));
    must("linger", sock_set_linger(c.client, 0));
    sock_close(c.client);
    tell_data("recv of what was queued when the peer broke off", sock_recv(c.server, buffer, 10));
    sock_close(c.server);
    sock_close(c.listener);

    address where = here;
    int listener = sock_listener(&where, 4);
    int caller = fresh_stream();
    must("connect", sock_connect(caller, &where));
    sock_close(listener);
    tell("a listener that closes breaks waiting callers off", sock_recv(caller, buffer, 1));
    sock_close(caller);
}

static void full_buffers(void) {
    connection c = connected();
    must("small", sock_set_size(c.client, OPTION_SEND_BUFFER, 65536));
    must("non-blocking", sock_set_nonblocking(c.client, true));
    int result = 0, sent = 0;
    for (int i = 0; i < 100000 && result >= 0; i++) {
        result = sock_send(c.client, buffer, sizeof buffer);
        if (result > 0) sent += result;
    }
    tell_ok("send on a non-blocking socket whose peer does not read", result);
    watch row = {.fd = c.client, .want_write = true};
    tell("poll says that it cannot be written", sock_poll(&row, 1, 0));
    int received = 0;
    while (received < sent) {
        int got = sock_recv(c.server, buffer, sizeof buffer);
        if (got <= 0) break;
        received += got;
    }
    tell_if("all that was taken arrives", received == sent);
    tell("poll says that it can be written again", await(c.client, true));
    must("blocking", sock_set_nonblocking(c.client, false));
    must("timeout", sock_set_time(c.client, OPTION_SEND_TIMEOUT, 20));
    for (int i = 0; i < 100000 && result >= 0; i++) result = sock_send(c.client, buffer, sizeof buffer);
    for (result = 0; result >= 0;) result = sock_send(c.client, buffer, sizeof buffer);
    tell_ok("send when the send timeout is over", result);
    must("timeout", sock_set_time(c.client, OPTION_RECV_TIMEOUT, 20));
    tell("recv when the receive timeout is over", sock_recv(c.client, buffer, 1));
    must("timeout", sock_set_time(c.listener, OPTION_RECV_TIMEOUT, 20));
    tell("accept when the receive timeout is over", sock_accept(c.listener, 0, &c.peer));
    forget(&c);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    addresses();
    receiving();
    from_streams();
    not_connected();
    finishing();
    breaking_off();
    full_buffers();
    return 0;
}
