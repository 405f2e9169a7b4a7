/* Behaviours of UDP sockets. */
#include "behaviours.h"

static bool is_cut;
static address from;

static int fresh_datagram(void) {
    return fresh(SOCK_TYPE_DATAGRAM);
}

/* A datagram socket bound to a free port, and where that is. */
static int bound(address *where) {
    *where = here;
    int fd = fresh_datagram();
    must("bind", sock_bind(fd, where));
    must("local", sock_local(fd, where));
    return fd;
}

static int receive(int fd, size_t size, int flags) {
    memset(&from, 0, sizeof from);
    is_cut = false;
    return sock_recv_from(fd, buffer, size, flags, &from, &is_cut);
}

static void plain(void) {
    address where, mine;
    int server = bound(&where), client = fresh_datagram();
    tell_where("the local address of a fresh datagram socket", sock_local(client, &mine), &mine);
    tell("send_to tells the bytes taken", sock_send_to(client, "hello", 5, 0, &where));
    tell_where("the first send_to binds to a free port", sock_local(client, &mine), &mine);
    tell_data("recv_from", receive(server, 100, 0));
    tell_if("recv_from tells the sender's port", from.port == mine.port);
    tell_where("recv_from tells the sender", 0, &from);
    tell("an answer to that address", sock_send_to(server, "answer", 6, 0, &from));
    tell_data("the answer reaches the first sender", receive(client, 100, 0));
    tell_address("the answer comes from the address that was bound", 0, &from, &where);
    tell("recv_from with DONT_WAIT and nothing there", receive(server, 10, RECV_DONT_WAIT));
    must("non-blocking", sock_set_nonblocking(server, true));
    tell("recv_from on a non-blocking socket", receive(server, 10, 0));
    must("blocking", sock_set_nonblocking(server, false));
    must("timeout", sock_set_time(server, OPTION_RECV_TIMEOUT, 20));
    tell("recv_from when the receive timeout is over", receive(server, 10, 0));
    must("timeout", sock_set_time(server, OPTION_RECV_TIMEOUT, PATIENCE_MS));
    sock_send_to(client, "for recv", 8, 0, &where);
    tell_data("recv on an unconnected socket", sock_recv(server, buffer, 100));
    sock_send_to(client, "for read", 8, 0, &where);
    tell_data("read on an unconnected socket", file_read(server, buffer, 100));
    tell("send on an unconnected socket", sock_send(client, "x", 1));
    tell("write on an unconnected socket", file_write(client, "x", 1));
    address peer;
    tell("the peer of an unconnected socket", sock_peer(client, &peer));
    sock_close(server);
    sock_close(client);
}

static void sizes(void) {
    address where;
    int server = bound(&where), client = fresh_datagram();
    tell("send_to of no bytes", sock_send_to(client, "", 0, 0, &where));
    sock_send_to(client, "after", 5, 0, &where);
    tell("an empty datagram is received", receive(server, 10, 0));
    tell_where("the sender of an empty datagram", 0, &from);
    tell_data("the datagram behind an empty one", receive(server, 10, 0));
    sock_send_to(client, "0123456789", 10, 0, &where);
    sock_send_to(client, "next", 4, 0, &where);
    tell_data("recv_from of fewer bytes than came", receive(server, 4, 0));
    tell_if("recv_from says that the rest was cut off", is_cut);
    tell_data("the rest of a cut datagram is gone", receive(server, 10, 0));
    tell_if("a whole datagram is not cut", !is_cut);
    sock_send_to(client, "0123456789", 10, 0, &where);
    tell("REAL_SIZE tells the whole size", receive(server, 4, RECV_REAL_SIZE));
    sock_send_to(client, "0123456789", 10, 0, &where);
    tell("PEEK with REAL_SIZE and no buffer", receive(server, 0, RECV_PEEK | RECV_REAL_SIZE));
    tell_data("PEEK leaves a datagram", receive(server, 4, RECV_PEEK));
    tell_if("PEEK says that the rest did not fit", is_cut);
    tell_data("PEEK leaves it whole", receive(server, 20, 0));
    sock_send_to(client, "first", 5, 0, &where);
    sock_send_to(client, "second", 6, 0, &where);
    tell_data("each recv_from takes one datagram", receive(server, 100, 0));
    tell_data("WAIT_ALL does not join datagrams", receive(server, 100, RECV_WAIT_ALL));
    sock_send_to(client, "dropped", 7, 0, &where);
    tell("recv into no bytes takes a datagram", receive(server, 0, 0));
    tell("after recv into no bytes nothing is left", receive(server, 10, RECV_DONT_WAIT));
    size_t most = here.family == 6 ? 65527 : 65507;
    must("buffer", sock_set_size(server, OPTION_RECV_BUFFER, 200000));
    tell("the largest datagram is sent", sock_send_to(client, buffer, most, 0, &where));
    tell("the largest datagram is received", receive(server, sizeof buffer, 0));
    tell("one byte more is too much", sock_send_to(client, buffer, most + 1, 0, &where));
    sock_close(server);
    sock_close(client);
}

static void connected_sockets(void) {
    address where, other_where, mine, peer;
    int server = bound(&where), other = bound(&other_where), client = fresh_datagram();
    tell("connect of a datagram socket", sock_connect(client, &where));
    tell_where("connect binds a datagram socket", sock_local(client, &mine), &mine);
    tell_address("the peer of a connected datagram socket", sock_peer(client, &peer), &peer, &where);
    tell("send on a connected socket", sock_send(client, "hello", 5));
    tell_data("what send sent arrives", receive(server, 10, 0));
    tell("write on a connected socket", file_write(client, "wrote", 5));
    tell_data("what write wrote arrives", receive(server, 10, 0));
    tell("send_to to another on a connected socket", sock_send_to(client, "other", 5, 0, &other_where));
    tell_data("it reaches that other", receive(other, 10, 0));
    sock_send_to(other, "stranger", 8, 0, &mine);
    sock_send_to(server, "friend", 6, 0, &mine);
    tell_data("a connected socket hears its peer only", receive(client, 10, 0));
    tell("a stranger's datagram is dropped", receive(client, 10, RECV_DONT_WAIT));
    tell("connect to another peer", sock_connect(client, &other_where));
    tell_address("the second connect replaces the first", sock_peer(client, &peer), &peer, &other_where);
    tell("disconnect", sock_disconnect(client));
    tell("the peer after disconnect", sock_peer(client, &peer));
    tell("send after disconnect", sock_send(client, "x", 1));
    tell("send_to after disconnect", sock_send_to(client, "again", 5, 0, &where));
    tell_data("arrives after disconnect", receive(server, 10, 0));
    tell("disconnect of an unconnected socket", sock_disconnect(client));
    sock_close(server);
    sock_close(other);
    sock_close(client);

    server = bound(&where);
    client = bound(&mine);
    sock_send_to(server, "before", 6, 0, &mine);
    must("wait", await(client, false));
    int elsewhere = bound(&other_where);
    must("connect", sock_connect(client, &other_where));
    tell_data("what was queued before connect is received", receive(client, 10, RECV_DONT_WAIT));
    sock_close(elsewhere);
    sock_close(server);
    sock_close(client);
}

static void refusals(void) {
    address where;
    int gone = bound(&where), client = fresh_datagram();
    sock_close(gone);
    tell("send_to to a port nobody holds", sock_send_to(client, "x", 1, 0, &where));
    tell("an unconnected socket hears of no refusal", receive(client, 10, RECV_DONT_WAIT));
    tell("connect to a port nobody holds", sock_connect(client, &where));
    tell("send to a port nobody holds", sock_send(client, "x", 1));
    tell("recv hears of the refusal", sock_recv(client, buffer, 10));
    tell("the refusal is told once", sock_recv_flags(client, buffer, 10, RECV_DONT_WAIT));
    sock_send(client, "x", 1);
    must("wait", await(client, false));
    tell("the next send hears of the refusal", sock_send(client, "x", 1));
    sock_send(client, "x", 1);
    must("wait", await(client, false));
    tell_errno("LAST_ERROR tells the refusal", sock_get_size(client, OPTION_LAST_ERROR));
    tell_errno("LAST_ERROR tells a refusal once", sock_get_size(client, OPTION_LAST_ERROR));
    tell("recv after LAST_ERROR took the refusal", sock_recv_flags(client, buffer, 10, RECV_DONT_WAIT));
    sock_close(client);
}

static void errors(void) {
    address where, zero = here;
    int fd = bound(&where), other = fresh_datagram();
    tell("bind of a datagram socket to a port in use", sock_bind(other, &where));
    tell("bind of a bound datagram socket", sock_bind(fd, &here));
    must("reuse", sock_set_flag(fd, OPTION_REUSE_ADDR, true));
    must("reuse", sock_set_flag(other, OPTION_REUSE_ADDR, true));
    tell("datagram sockets with REUSE_ADDR share a port", sock_bind(other, &where));
    sock_close(other);
    other = fresh_datagram();
    tell("send_to to port 0", sock_send_to(other, "x", 1, 0, &zero));
    tell("shutdown of an unconnected datagram socket", sock_shutdown(other, SHUTDOWN_WRITE));
    must("connect", sock_connect(other, &where));
    tell("shutdown of a connected datagram socket", sock_shutdown(other, SHUTDOWN_WRITE));
    tell("send after that shutdown", sock_send(other, "x", 1));
    must("shutdown", sock_shutdown(other, SHUTDOWN_READ));
    tell("recv after shutdown for reading", sock_recv(other, buffer, 1));
    sock_close(other);
    other = fresh_datagram();
    address everybody = address_of("255.255.255.255", where.port);
    if (here.family == 4) tell("send_to to everybody without BROADCAST", sock_send_to(other, "x", 1, 0, &everybody));
    address wildcard = address_of(here.family == 6 ? "::" : "0.0.0.0", where.port);
    tell("send_to to the wildcard", sock_send_to(other, "wild", 4, 0, &wildcard));
    tell_data("a datagram to the wildcard reaches this machine", receive(fd, 10, 0));
    sock_close(other);
    sock_close(fd);
    tell("recv_from on a closed descriptor", receive(fd, 10, 0));
    tell("send_to on a closed descriptor", sock_send_to(fd, "x", 1, 0, &where));
    tell("recv_from on standard output", receive(1, 10, 0));
    tell("send_to on standard output", sock_send_to(1, "x", 1, 0, &where));
}

static void groups(void) {
    address where, any = address_of(here.family == 6 ? "::" : "0.0.0.0", 0);
    address group = address_of(here.family == 6 ? "ff01::7357" : "239.255.73.57", 0);
    int fd = fresh_datagram(), sender = bound(&where);
    must("bind", sock_bind(fd, &any));
    must("local", sock_local(fd, &any));
    tell("join of no multicast group", sock_membership(fd, true, &where, &here, 1));
    tell("leave of a group never joined", sock_membership(fd, false, &group, &here, 1));
    tell("join of a group", sock_membership(fd, true, &group, &here, 1));
    tell("join of a group twice", sock_membership(fd, true, &group, &here, 1));
    tell("leave of a group", sock_membership(fd, false, &group, &here, 1));
    tell("leave of a group twice", sock_membership(fd, false, &group, &here, 1));
    int stream = fresh_stream();
    tell_ok("join of a group by a stream socket", sock_membership(stream, true, &group, &here, 1));
    sock_close(stream);
    sock_close(sender);
    sock_close(fd);
    tell("join on a closed descriptor", sock_membership(fd, true, &group, &here, 1));
}

int main(int argc, char **argv) {
    begin(argc, argv);
    plain();
    sizes();
    connected_sockets();
    refusals();
    errors();
    groups();
    return 0;
}
