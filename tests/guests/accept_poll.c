/* A listener is readable exactly while a caller waits. */
#include "check.h"

int main(int argc, char **argv) {
    address here = test_address(argc, argv);
    int listener = sock_listener(&here, 4);
    watch row = {.fd = listener, .want_read = true};
    check_number("nobody waits", sock_poll(&row, 1, 0), 0);
    int first = sock_caller(&here), second = sock_caller(&here);
    check_number("two wait", sock_poll(&row, 1, -1), 1);
    check_caller("the first is taken", listener, first);
    check_number("one waits", sock_poll(&row, 1, -1), 1);
    check_caller("the second is taken", listener, second);
    check_number("nobody waits again", sock_poll(&row, 1, 0), 0);
    return finish();
}
