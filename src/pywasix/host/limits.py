"""What the host itself allows."""

from __future__ import annotations

import resource

_MOST = 1 << 20


def open_file_limit() -> int:
    """How many descriptors this process may have open (RLIMIT_NOFILE)."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MOST if soft == resource.RLIM_INFINITY else min(soft, _MOST)
