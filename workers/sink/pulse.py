"""A sign of life for whoever watches a sink from outside: the age of a file says when its loop last went round.

A sink listens on no port that could be asked, and a process that exists may hang.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

_EVERY_S = 1.0


class Pulse(Protocol):
    """Shows that the loop goes round."""

    def beat(self) -> None:
        """Show it now."""
        ...


class NoPulse:
    """Nobody watches."""

    def beat(self) -> None:
        """Do nothing."""


class FilePulse:
    """Touches a file, once a second at most."""

    def __init__(self, path: Path) -> None:
        """Make *path* with its directory; raises `OSError` where that cannot be."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._due_s = 0.0

    def beat(self) -> None:
        """Touch the file, unless that was just done."""
        now_s = time.monotonic()
        if now_s >= self._due_s:
            self._due_s = now_s + _EVERY_S
            self._path.touch()


def pulse_of(path: Path | None) -> Pulse:
    """Return what shows a pulse at *path*; None: nowhere."""
    return NoPulse() if path is None else FilePulse(path)
