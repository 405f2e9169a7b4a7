/* The accept timeout (option 22): TIMEDOUT; a flag for the new descriptor does not make the call non-blocking. */
#include "check.h"

enum { LIMIT_MS = 30 };

static uint64_t now(void) {
    uint64_t time;
    must("clock", -wasix_clock_time_get(WASIX_CLOCKID_MONOTONIC, 1, &time));
    return time;
}

int main(int argc, char **argv) {
    address here = test_address(argc, argv), peer;
    wasix_option_timestamp_t limit;
    int listener = sock_listener(&here, 4);
    check_error("setting", sock_set_time(listener, WASIX_SOCK_OPTION_ACCEPT_TIMEOUT, LIMIT_MS), 0);
    check_error("getting",
                -wasix_sock_get_opt_time(listener, WASIX_SOCK_OPTION_ACCEPT_TIMEOUT, &limit), 0);
    check_number("gives a time", limit.tag, WASIX_OPTION_SOME);
    check_number("of as many milliseconds", (long)(limit.value / 1000000), LIMIT_MS);

    uint64_t start = now();
    check_error("nobody calls in time", sock_accept(listener, 0, &peer), ETIMEDOUT);
    check_number("it waited as long", now() - start >= LIMIT_MS * 1000000ULL, true);
    check_error("nobody calls in time, NONBLOCK asked", sock_accept(listener, ACCEPT_NONBLOCK, &peer), ETIMEDOUT);
    int caller = sock_caller(&here);
    check_caller("a caller who waits is accepted", listener, caller);
    must("non-blocking", sock_set_nonblocking(listener, true));
    check_error("non-blocking goes first", sock_accept(listener, 0, &peer), EAGAIN);
    return finish();
}
