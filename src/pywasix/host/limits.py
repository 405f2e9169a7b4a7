"""What the host itself allows."""

from __future__ import annotations

import resource

_MOST = 1 << 20
_LEAST_GUEST, _MOST_GUEST = 256, 65536
_LEAST_THREADS, _MOST_THREADS = 64, 1024


def open_file_limit() -> int:
    """How many descriptors this process may have open (RLIMIT_NOFILE)."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MOST if soft == resource.RLIM_INFINITY else min(soft, _MOST)


def guest_file_limit(each: int = 1) -> int:
    """How many descriptors a guest may have open unless told otherwise: half of the host's limit, 256 to 65536.

    The other half is for the embedding program, which must be able to go on when a guest has taken all of its own.

    Args:
        each: how many of the host's a descriptor of the guest may take.
    """
    return max(_LEAST_GUEST, min(open_file_limit() // (2 * each), _MOST_GUEST))


def guest_thread_limit() -> int:
    """How many threads a program may have unless told otherwise: each needs a descriptor of the host's to be woken."""
    return max(_LEAST_THREADS, min(open_file_limit() // 8, _MOST_THREADS))
