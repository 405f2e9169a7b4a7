/* processes.c on a memory that is shared, imported and has a maximum, as those of WASIX guests. */
#include "processes.c"
