/*
 * A signal handler ends a blocking accept with INTR. Prints "blocking", then waits for signal 10 (USR1).
 *
 * WASIX calls the exported function that callback_signal named, with the signal's number.
 */
#include "check.h"

static volatile int seen;

#ifdef __wasm__
__attribute__((export_name("__wasm_signal"))) void on_signal(int number) {
    seen = number;
}

static void install(void) {
    wasix_callback_signal("__wasm_signal", sizeof "__wasm_signal" - 1);
}
#else
#include <signal.h>

static void on_signal(int number) {
    seen = number;
}

static void install(void) {
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART */
    sigaction(SIGUSR1, &action, NULL);
}
#endif

int main(int argc, char **argv) {
    address here = test_address(argc, argv), peer;
    int listener = sock_listener(&here, 4);
    install();
    say("blocking");
    check_error("accept", sock_accept(listener, 0, &peer), EINTR);
    check_number("the handler ran", seen, 10);
    int caller = sock_caller(&here);
    check_caller("the next accept works", listener, caller);
    return finish();
}
