"""A sink that dies in the midst of its work: it has read a batch, and its rows are not written yet."""

from __future__ import annotations

import contextlib
import signal

from seawall.stack.faults.administrator import Administrator, administrators_of
from seawall.stack.faults.fault import Field, NoEffect, wait_until
from seawall.stack.faults.processes import Ended

_WAITS_WITHIN_S = 10.0


class KilledAtWriting:
    """A sink that is killed while a lock lets its write wait; readers of the tables notice nothing."""

    def __init__(self, field: Field, sink: str) -> None:
        self._open, self._sink = administrators_of(field.stack.connections), sink
        self._ended = Ended(field, sink, signal.SIGKILL)
        self._session: Administrator | None = None

    def begin(self) -> None:
        """Lock, wait until the sink's write waits, and kill it; raises `NoEffect` where it writes nothing."""
        self._session = self._open()
        self._session.lock(readers_too=False)
        with contextlib.closing(self._open()) as other:
            if not wait_until(lambda: other.waiting(self._sink) > 0, _WAITS_WITHIN_S):
                raise NoEffect(f"{self._sink} wrote nothing for {_WAITS_WITHIN_S:g} s")
        self._ended.begin()

    def end(self) -> None:
        """Unlock, and let the sink be started again."""
        if self._session is not None:
            self._session.close()
        self._ended.end()

    def bite(self) -> str:
        """Name the process that took its place."""
        return self._ended.bite()
