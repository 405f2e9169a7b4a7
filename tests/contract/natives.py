"""Native builds of the guests: what Linux itself does."""

from __future__ import annotations

from pathlib import Path

from guests import build


class Natives:
    """Guests compiled for this machine, each when it is first asked for.

    Args:
        directory: where they go.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def command(self, name: str) -> str:
        """The path of a guest's native build."""
        path = self._directory / name
        return str(path if path.exists() else build.build_native(name, self._directory))
