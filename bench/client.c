/*
 * The client of every measurement: the same small program for each server, so that its cost is the same.
 *
 *   client echo|bulk|accept|send|receive|http IP PORT SECONDS
 *   client idle|sequential IP PORT COUNT
 *
 * echo: 64-byte round trips on one connection. bulk: the same with 64 KiB. accept: connect, wait until the server
 * has closed, close. send and receive: chunks of 64 KiB to and from bench_bulk. http: keep-alive requests on 32
 * connections, one under way on each. Prints "AMOUNT SECONDS": round trips, connections, bytes or requests, and the
 * time that they took. idle: COUNT connections that stay, one HTTP request on
 * each, answered, then "COUNT SECONDS", and all of them open until standard input ends. sequential: COUNT
 * connections one after the other, each with one request.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in server;
static char data[65536];
static double start; /* when the measured part began */

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int call(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (fd < 0) fail("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0) fail("connect");
    return fd;
}

static void round_trip(int fd, size_t length) {
    if (send(fd, data, length, 0) != (ssize_t)length) fail("send");
    for (size_t size = 0; size < length;) {
        ssize_t more = recv(fd, data, length - size, 0);
        if (more <= 0) fail("recv");
        size += (size_t)more;
    }
}

/* Round trips of `length` bytes, counted. */
static double echo(double seconds, size_t length) {
    int fd = call();
    double amount = 0;
    for (int i = 0; i < 200; i++) round_trip(fd, length); /* warm up */
    start = now();
    while (now() < start + seconds) {
        for (int i = 0; i < 100; i++) round_trip(fd, length);
        amount += 100;
    }
    close(fd);
    return amount;
}

static double accept_and_close(double seconds) {
    double amount = 0;
    start = now();
    while (now() < start + seconds) {
        for (int i = 0; i < 20; i++) {
            int fd = call();
            char byte;
            if (recv(fd, &byte, 1, 0) < 0) fail("recv");
            close(fd);
        }
        amount += 20;
    }
    return amount;
}

/* The amount is what the server says to have received. */
static double send_bulk(double seconds) {
    int fd = call();
    if (send(fd, "r", 1, 0) != 1) fail("send");
    start = now();
    while (now() < start + seconds) {
        for (int i = 0; i < 16; i++)
            if (send(fd, data, sizeof data, 0) < 0) fail("send");
    }
    shutdown(fd, SHUT_WR);
    uint64_t total;
    if (recv(fd, &total, sizeof total, MSG_WAITALL) != sizeof total) fail("recv");
    close(fd);
    return (double)total;
}

static double receive_bulk(double seconds) {
    int fd = call();
    double amount = 0;
    if (send(fd, "s", 1, 0) != 1) fail("send");
    start = now();
    while (now() < start + seconds) {
        for (int i = 0; i < 16; i++) {
            ssize_t size = recv(fd, data, sizeof data, 0);
            if (size <= 0) fail("recv");
            amount += (double)size;
        }
    }
    close(fd);
    return amount;
}

/* One HTTP request and its answer, which comes in one piece; false when the server closed instead. */
static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";

static int answered(int fd) {
    ssize_t size = recv(fd, data, sizeof data, 0);
    return size > 12 && memcmp(data, "HTTP/1.1 200", 12) == 0;
}

static int ask(int fd) {
    if (send(fd, request, sizeof request - 1, 0) < 0) fail("send");
    return answered(fd);
}

/* As many requests as are answered on 32 connections; each is asked again as soon as it was answered. */
static double http(double seconds) {
    enum { CONNECTIONS = 32 };
    struct epoll_event events[CONNECTIONS];
    double amount = 0;
    int watcher = epoll_create1(0);
    for (int i = 0; i < CONNECTIONS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = call()};
        if (!ask(event.data.fd)) fail("answer");
        if (epoll_ctl(watcher, EPOLL_CTL_ADD, event.data.fd, &event) < 0) fail("epoll_ctl");
        if (send(event.data.fd, request, sizeof request - 1, 0) < 0) fail("send");
    }
    start = now();
    while (now() < start + seconds) {
        int found = epoll_wait(watcher, events, CONNECTIONS, 10000);
        if (found <= 0) fail("epoll_wait");
        for (int i = 0; i < found; i++) {
            if (!answered(events[i].data.fd)) fail("answer");
            if (send(events[i].data.fd, request, sizeof request - 1, 0) < 0) fail("send");
        }
        amount += found;
    }
    return amount;
}

static double idle(int count) {
    int answered = 0;
    start = now();
    for (int i = 0; i < count; i++) answered += ask(call());
    printf("%d %.9f\n", answered, now() - start);
    fflush(stdout);
    while (getchar() != EOF) continue;
    return answered;
}

static double sequential(int count) {
    int answered = 0;
    start = now();
    for (int i = 0; i < count; i++) {
        int fd = call();
        struct linger at_once = {1, 0}; /* or the ports of a long run would all be in TIME_WAIT */
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        answered += ask(fd);
        close(fd);
    }
    return answered;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)atoi(argv[3]));
    if (inet_pton(AF_INET, argv[2], &server.sin_addr) != 1) return 2;
    double seconds = atof(argv[4]), amount;
    if (strcmp(argv[1], "echo") == 0) {
        amount = echo(seconds, 64);
    } else if (strcmp(argv[1], "bulk") == 0) {
        amount = echo(seconds, sizeof data) * 2 * sizeof data; /* there and back */
    } else if (strcmp(argv[1], "accept") == 0) {
        amount = accept_and_close(seconds);
    } else if (strcmp(argv[1], "send") == 0) {
        amount = send_bulk(seconds);
    } else if (strcmp(argv[1], "receive") == 0) {
        amount = receive_bulk(seconds);
    } else if (strcmp(argv[1], "http") == 0) {
        amount = http(seconds);
    } else if (strcmp(argv[1], "idle") == 0) {
        idle((int)seconds);
        return 0;
    } else if (strcmp(argv[1], "sequential") == 0) {
        amount = sequential((int)seconds);
    } else {
        return 2;
    }
    printf("%.0f %.9f\n", amount, now() - start);
    return 0;
}
