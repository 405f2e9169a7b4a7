/* Options set on the listener before listen are handed down to accepted sockets, as Linux does. */
#include "check.h"

int main(int argc, char **argv) {
    address here = test_address(argc, argv), peer;
    int listener = must("open", sock_open(here.family, SOCK_TYPE_STREAM));
    must("bind", sock_bind(listener, &here));
    check_error("set NO_DELAY", sock_set_flag(listener, OPTION_NO_DELAY, true), 0);
    check_error("set KEEP_ALIVE", sock_set_flag(listener, OPTION_KEEP_ALIVE, true), 0);
    check_error("set RECV_BUF_SIZE", sock_set_size(listener, OPTION_RECV_BUFFER, 20000), 0);
    check_error("set SEND_BUF_SIZE", sock_set_size(listener, OPTION_SEND_BUFFER, 30000), 0);
    must("listen", sock_listen(listener, 4));
    must("local address", sock_local(listener, &here));

    int caller = sock_caller(&here);
    int accepted = must("accept", sock_accept(listener, 0, &peer));
    check_number("NO_DELAY", sock_get_flag(accepted, OPTION_NO_DELAY), 1);
    check_number("KEEP_ALIVE", sock_get_flag(accepted, OPTION_KEEP_ALIVE), 1);
    check_number("RECV_BUF_SIZE", sock_get_size(accepted, OPTION_RECV_BUFFER),
                 sock_get_size(listener, OPTION_RECV_BUFFER));
    check_number("SEND_BUF_SIZE", sock_get_size(accepted, OPTION_SEND_BUFFER),
                 sock_get_size(listener, OPTION_SEND_BUFFER));
    check_number("the caller's own NO_DELAY", sock_get_flag(caller, OPTION_NO_DELAY), 0);
    check_number("the caller's own KEEP_ALIVE", sock_get_flag(caller, OPTION_KEEP_ALIVE), 0);
    return finish();
}
