/* Behaviours of binding, listening, accepting and connecting over TCP. */
#include "behaviours.h"

static void binding(void) {
    int fd = fresh_stream(), other = fresh_stream();
    address where = here;
    tell("bind", sock_bind(fd, &where));
    tell("bind a second time", sock_bind(fd, &where));
    must("local", sock_local(fd, &where));
    tell("bind to a port in use", sock_bind(other, &where));
    must("reuse", sock_set_flag(fd, OPTION_REUSE_ADDR, true));
    must("reuse", sock_set_flag(other, OPTION_REUSE_ADDR, true));
    tell("bind to a port in use when both allow it", sock_bind(other, &where));
    tell("listen on one of the two", sock_listen(fd, 1));
    tell("listen on the other", sock_listen(other, 1));
    sock_close(fd);
    sock_close(other);
    fd = fresh_stream();
    address foreign = address_of(here.family == 6 ? "2001:db8::1" : "192.0.2.1", 0);
    tell("bind to an address of somebody else", sock_bind(fd, &foreign));
    address wrong = address_of(here.family == 6 ? "127.0.0.1" : "::1", 0);
    tell_if("bind to an address of the other family fails", sock_bind(fd, &wrong) < 0);
    address any = address_of(here.family == 6 ? "::" : "0.0.0.0", 0), found;
    tell("bind to the wildcard", sock_bind(fd, &any));
    tell_where("the local address is the wildcard then", sock_local(fd, &found), &found);
    sock_close(fd);
    tell("bind of a closed descriptor", sock_bind(fd, &where));
}

static void sharing_ports(void) {
    address where = here;
    int fd = fresh_stream(), other = fresh_stream();
    must("reuse", sock_set_flag(fd, OPTION_REUSE_PORT, true));
    must("bind", sock_bind(fd, &where));
    must("listen", sock_listen(fd, 1));
    must("local", sock_local(fd, &where));
    tell("bind to a listener's port without REUSE_PORT", sock_bind(other, &where));
    must("reuse", sock_set_flag(other, OPTION_REUSE_PORT, true));
    tell("bind to a listener's port with REUSE_PORT", sock_bind(other, &where));
    tell("listen on a shared port", sock_listen(other, 1));
    sock_close(other);
    sock_close(fd);
    where.port = 0;
    fd = sock_listener(&where, 1);
    other = fresh_stream();
    must("reuse", sock_set_flag(other, OPTION_REUSE_ADDR, true));
    tell("bind to a listener's port with REUSE_ADDR", sock_bind(other, &where));
    sock_close(fd);
    tell("bind to the port of a listener that closed", sock_bind(other, &where));
    sock_close(other);
}

static void listening(void) {
    int fd = fresh_stream();
    address found, peer;
    tell("accept on a fresh socket", sock_accept(fd, 0, &peer));
    tell("listen without bind", sock_listen(fd, 1));
    tell_where("listen without bind takes a free port", sock_local(fd, &found), &found);
    tell("listen again with another backlog", sock_listen(fd, 5));
    tell("bind of a listener", sock_bind(fd, &here));
    tell("LISTENING of a listener", sock_get_flag(fd, OPTION_LISTENING));
    must("non-blocking", sock_set_nonblocking(fd, true));
    tell("accept on a non-blocking listener without callers", sock_accept(fd, 0, &peer));
    tell("shutdown of a listener for reading", sock_shutdown(fd, SHUTDOWN_READ));
    tell("accept on a listener that is shut down", sock_accept(fd, 0, &peer));
    tell("listen on a listener that was shut down", sock_listen(fd, 5));
    sock_close(fd);
    tell("accept on a closed listener", sock_accept(fd, 0, &peer));
    tell("listen on a closed descriptor", sock_listen(fd, 5));
    tell("accept on standard output", sock_accept(1, 0, &peer));
    tell("listen on standard output", sock_listen(1, 5));
    fd = fresh(SOCK_TYPE_DATAGRAM);
    tell("listen on a datagram socket", sock_listen(fd, 5));
    tell("accept on a datagram socket", sock_accept(fd, 0, &peer));
    sock_close(fd);
    connection c = connected();
    tell("listen on a connected socket", sock_listen(c.client, 5));
    tell("accept on a connected socket", sock_accept(c.client, 0, &peer));
    tell("bind of a connected socket", sock_bind(c.client, &here));
    tell("LISTENING of a connected socket", sock_get_flag(c.client, OPTION_LISTENING));
    must("non-blocking", sock_set_nonblocking(c.listener, true));
    int caller = sock_caller(&c.where);
    int accepted = must("accept", sock_accept(c.listener, 0, &peer));
    tell("an accepted socket does not inherit non-blocking", sock_is_nonblocking(accepted));
    sock_close(accepted);
    sock_close(caller);
    caller = sock_caller(&c.where);
    accepted = must("accept", sock_accept(c.listener, ACCEPT_NONBLOCK, &peer));
    tell("an accepted socket is non-blocking when asked for", sock_is_nonblocking(accepted));
    sock_close(accepted);
    sock_close(caller);
    forget(&c);
}

static void queueing(void) {
    address where = here, peers[3], locals[3];
    int listener = sock_listener(&where, 8), callers[3], accepted[3];
    for (int i = 0; i < 3; i++) {
        callers[i] = sock_caller(&where);
        must("local", sock_local(callers[i], &locals[i]));
    }
    bool in_order = true;
    for (int i = 0; i < 3; i++) {
        accepted[i] = must("accept", sock_accept(listener, 0, &peers[i]));
        in_order = in_order && address_equal(&peers[i], &locals[i]);
    }
    tell_if("callers are accepted in the order of their calls", in_order);
    for (int i = 0; i < 3; i++) {
        sock_close(callers[i]);
        sock_close(accepted[i]);
    }
    int caller = sock_caller(&where);
    send_text(caller, "early");
    sock_close(caller);
    address peer;
    int fd = sock_accept(listener, 0, &peer);
    tell_ok("accept of a caller that has closed already", fd);
    tell_data("what a closed caller sent is there", sock_recv(fd, buffer, 10));
    tell("then comes its end", sock_recv(fd, buffer, 10));
    sock_close(fd);
    sock_close(listener);
}

static void connecting(void) {
    address where = refusing();
    int fd = fresh_stream();
    tell("connect to a port where nobody listens", sock_connect(fd, &where));
    tell_errno("LAST_ERROR after connect told it", sock_get_size(fd, OPTION_LAST_ERROR));
    address peer;
    tell("the peer after a refused connect", sock_peer(fd, &peer));
    tell("connect again to nobody", sock_connect(fd, &where));
    address there = here;
    int listener = sock_listener(&there, 4);
    tell("connect to a listener after a refusal", sock_connect(fd, &there));
    tell("connect of a connected socket", sock_connect(fd, &there));
    tell("connect of a listener", sock_connect(listener, &there));
    sock_close(fd);
    tell("connect of a closed descriptor", sock_connect(fd, &there));
    tell("connect of standard output", sock_connect(1, &there));
    fd = fresh_stream();
    address mine = here, found;
    must("bind", sock_bind(fd, &mine));
    must("local", sock_local(fd, &mine));
    must("connect", sock_connect(fd, &there));
    tell_address("a caller keeps the address it bound", sock_local(fd, &found), &found, &mine);
    sock_close(fd);
    fd = fresh_stream();
    address any = address_of(here.family == 6 ? "::" : "0.0.0.0", there.port);
    tell("connect to the wildcard reaches this machine", sock_connect(fd, &any));
    tell_where("the peer is then the loopback", sock_peer(fd, &found), &found);
    sock_close(fd);
    fd = fresh_stream();
    address none = here;
    tell("connect to port 0", sock_connect(fd, &none));
    sock_close(fd);
    sock_close(listener);
}

static void not_waiting(void) {
    address where = here;
    int listener = sock_listener(&where, 4), fd = fresh_stream();
    must("non-blocking", sock_set_nonblocking(fd, true));
    tell("non-blocking connect", sock_connect(fd, &where));
    tell("a socket can be written when connected", await(fd, true));
    tell_errno("LAST_ERROR when connected", sock_get_size(fd, OPTION_LAST_ERROR));
    tell("connect after a non-blocking connect succeeded", sock_connect(fd, &where));
    tell("connect once more after that", sock_connect(fd, &where));
    tell("send on the connection", send_text(fd, "x"));
    tell("recv with nothing there", sock_recv(fd, buffer, 1));
    sock_close(fd);
    sock_close(listener);

    address nobody = refusing();
    fd = fresh_stream();
    must("non-blocking", sock_set_nonblocking(fd, true));
    tell("non-blocking connect to nobody", sock_connect(fd, &nobody));
    tell("a socket can be written when refused", await(fd, true));
    tell_errno("LAST_ERROR when refused", sock_get_size(fd, OPTION_LAST_ERROR));
    tell_errno("LAST_ERROR once more", sock_get_size(fd, OPTION_LAST_ERROR));
    address peer;
    tell("the peer when refused", sock_peer(fd, &peer));
    where.port = 0;
    listener = sock_listener(&where, 4);
    tell("non-blocking connect to somebody after a refusal", sock_connect(fd, &where));
    tell("the second connect can be written", await(fd, true));
    tell("its peer", sock_peer(fd, &peer));
    sock_close(fd);
    sock_close(listener);

}

/* A socket whose non-blocking connect was refused; nobody was told yet. */
static int refused(void) {
    address nobody = refusing();
    int fd = fresh_stream();
    must("non-blocking", sock_set_nonblocking(fd, true));
    sock_connect(fd, &nobody);
    must("wait", await(fd, true));
    return fd;
}

/* Only connect itself makes a refused socket new. */
static void after_refusals(void) {
    address there = here, mine = here;
    int listener = sock_listener(&there, 4), fd = refused();
    tell("connect again tells the refusal", sock_connect(fd, &there));
    tell("recv after connect told the refusal", sock_recv(fd, buffer, 1));
    tell("listen after connect told the refusal", sock_listen(fd, 1));
    sock_close(fd);

    fd = refused();
    tell("recv tells the refusal", sock_recv(fd, buffer, 1));
    tell("recv after it told the refusal", sock_recv(fd, buffer, 1));
    tell("connect after recv told the refusal", sock_connect(fd, &there));
    tell("connect after that", sock_connect(fd, &there));
    sock_close(fd);

    fd = refused();
    tell("send tells the refusal", sock_send(fd, "x", 1));
    tell("send after it told the refusal", sock_send(fd, "x", 1));
    tell("recv after send told the refusal", sock_recv(fd, buffer, 1));
    tell("PEEK after send told the refusal", sock_recv_flags(fd, buffer, 1, RECV_PEEK));
    sock_close(fd);

    fd = refused();
    tell("shutdown of a refused socket", sock_shutdown(fd, SHUTDOWN_WRITE));
    tell_errno("LAST_ERROR of a refused socket", sock_get_size(fd, OPTION_LAST_ERROR));
    tell("listen on a refused socket", sock_listen(fd, 1));
    tell("bind of a refused socket", sock_bind(fd, &mine));
    tell("listen on it when it is bound", sock_listen(fd, 1));
    sock_close(fd);

    fd = refused();
    must("told", sock_get_size(fd, OPTION_LAST_ERROR));
    tell("listen after LAST_ERROR told the refusal", sock_listen(fd, 1));
    tell("connect after LAST_ERROR told the refusal", sock_connect(fd, &there));
    tell("listen after connect made it new", sock_listen(fd, 1));
    sock_close(fd);
    sock_close(listener);
}

/* A listener of backlog 1 that is full lets a caller wait. */
static void under_way(void) {
    address where = here, peer, found;
    int listener = sock_listener(&where, 1), fillers[8], filled = 0, fd = -1;
    for (; filled < 8; filled++) {
        fd = fresh_stream();
        must("non-blocking", sock_set_nonblocking(fd, true));
        sock_connect(fd, &where);
        watch row = {.fd = fd, .want_write = true};
        if (sock_poll(&row, 1, 100) == 0) break;
        fillers[filled] = fd;
    }
    tell("callers that a listener with backlog 1 takes", filled);
    tell("connect while one is under way", sock_connect(fd, &where));
    tell("the peer while connecting", sock_peer(fd, &peer));
    tell_where("the local address while connecting", sock_local(fd, &found), &found);
    tell("recv while connecting", sock_recv(fd, buffer, 1));
    tell("send while connecting", sock_send(fd, "x", 1));
    tell("bind while connecting", sock_bind(fd, &here));
    tell("listen while connecting", sock_listen(fd, 1));
    tell("accept while connecting", sock_accept(fd, 0, &peer));
    tell_errno("LAST_ERROR while connecting", sock_get_size(fd, OPTION_LAST_ERROR));
    tell("shutdown while connecting", sock_shutdown(fd, SHUTDOWN_WRITE));
    tell("close while connecting", sock_close(fd));
    for (int i = 0; i < filled; i++) sock_close(fillers[i]);
    sock_close(listener);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    binding();
    sharing_ports();
    listening();
    queueing();
    connecting();
    not_waiting();
    after_refusals();
    under_way();
    return 0;
}
