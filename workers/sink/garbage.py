"""What a sink gives back now and then, so that its memory stays level for hours."""

from __future__ import annotations

import gc
import time

_EVERY_S = 30.0


class Garbage:
    """Collects when it is time; to be asked in every round of the loop."""

    def __init__(self) -> None:
        self._due_s = time.monotonic() + _EVERY_S

    def collect(self) -> None:
        """Look for cycles, and give up the interpreter's free lists, if it is time.

        A list holds up to 2,000 tuples of each length, as many as the largest batch so far needed, and only a full
        collection empties it: without one, memory would creep up for hours.
        """
        if time.monotonic() >= self._due_s:
            gc.collect()
            self._due_s = time.monotonic() + _EVERY_S
