/* Looks names up: "NAME: ADDRESS ..." or "NAME: ERROR" for each argument, after a line "blocking". */
#include "portable.h"

int main(int argc, char **argv) {
    static address found[48];
    char ip[48];
    say("blocking");
    for (int i = 1; i < argc; i++) {
        int count = name_lookup(argv[i], found, 48);
        printf("%s:", argv[i]);
        if (count < 0) printf(" %s", error_name(count));
        for (int n = 0; n < count; n++)
            printf(" %s", inet_ntop(found[n].family == 6 ? AF_INET6 : AF_INET, found[n].ip, ip, sizeof ip));
        say("");
    }
    return 0;
}
