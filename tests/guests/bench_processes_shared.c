/* bench_processes.c on a memory that is shared and imported, as those of WASIX guests: what Wasmer can fork. */
#include "bench_processes.c"
