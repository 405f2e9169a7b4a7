/* The new descriptor carries data both ways, end of file and half-close included. */
#include "check.h"

int main(int argc, char **argv) {
    address here = test_address(argc, argv), peer;
    char data[16] = "";
    int listener = sock_listener(&here, 1);
    int caller = sock_caller(&here);
    must("send", sock_send_all(caller, "early", 5)); /* before it is accepted */
    int accepted = must("accept", sock_accept(listener, 0, &peer));

    check_number("data sent before accept arrives", sock_recv(accepted, data, sizeof data), 5);
    check_text("and is what was sent", data, "early");
    check_number("answer is sent", sock_send(accepted, "answer", 6), 6);
    check_number("answer arrives", sock_recv(caller, data, sizeof data), 6);
    check_error("caller shuts down its writing side", sock_shutdown(caller, SHUTDOWN_WRITE), 0);
    check_number("end of file arrives", sock_recv(accepted, data, sizeof data), 0);
    check_number("the other direction stays open", sock_send(accepted, "more", 4), 4);
    check_number("and delivers", sock_recv(caller, data, sizeof data), 4);
    sock_close(accepted);
    check_number("closing the new descriptor ends the stream", sock_recv(caller, data, sizeof data), 0);
    check_error("the closed descriptor is gone", sock_recv(accepted, data, sizeof data), EBADF);
    return finish();
}
