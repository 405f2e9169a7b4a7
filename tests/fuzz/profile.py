"""How much is fuzzed: 5,000 calls unless ``PYWASIX_FUZZ=nightly`` asks for the long run."""

from __future__ import annotations

import os

NIGHTLY = os.environ.get("PYWASIX_FUZZ") == "nightly"
CALLS = 210_000 if NIGHTLY else 5_200
"""System calls with hostile arguments, over all handlers together."""
BURST = 12
"""Calls in one example: what one of them leaves behind is there for the next."""
GUEST_CALLS = 4_500 if NIGHTLY else 900
"""Calls through the engine, over all handlers together."""
MACHINE_EXAMPLES = 400 if NIGHTLY else 20
PATIENCE = 3600 if NIGHTLY else 300  # seconds for one test
