/* Without the SOCK_ACCEPT right: NOTCAPABLE, and a right once dropped cannot be taken back. */
#include "check.h"

int main(int argc, char **argv) {
    address here = test_address(argc, argv), peer;
    int listener = sock_listener(&here, 4);
    sock_caller(&here);
    wasix_fdstat_t status;
    must("status", -wasix_fd_fdstat_get(listener, &status));
    uint64_t all = status.fs_rights_base, fewer = all & ~(uint64_t)WASIX_RIGHTS_SOCK_ACCEPT;
    check_number("the right is there", all != fewer, true);
    check_error("dropping it",
                -wasix_fd_fdstat_set_rights(listener, fewer, status.fs_rights_inheriting), 0);
    check_error("accept", sock_accept(listener, 0, &peer), ENOTCAPABLE);
    check_error("taking it back",
                -wasix_fd_fdstat_set_rights(listener, all, status.fs_rights_inheriting), ENOTCAPABLE);
    return finish();
}
