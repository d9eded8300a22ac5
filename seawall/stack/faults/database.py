"""A database that answers and still does not do what one wants: locks, and no connection to be had."""

from __future__ import annotations

import contextlib
import threading
import time

from seawall.stack.faults.administrator import Administrator, administrators_of, errors_of
from seawall.stack.faults.fault import Field

_LOOK_S = 0.1
_TAKEN_WITHIN_S = 5.0


class Locked:
    """All tables of records, locked by a transaction that does not end."""

    def __init__(self, field: Field) -> None:
        self._open = administrators_of(field.stack.connections)
        self._errors = errors_of(field.stack.connections)
        self._session: Administrator | None = None
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._count, daemon=True)
        self._waiting = 0

    def begin(self) -> None:
        """Lock, as soon as those that write now are through."""
        self._session = self._open()
        self._session.lock(readers_too=True)
        self._watch.start()

    def end(self) -> None:
        """Let go."""
        self._ended.set()
        if self._watch.ident is not None:
            self._watch.join()
        if self._session is not None:
            self._session.close()

    def bite(self) -> str:
        """Say how many of the service waited at once."""
        return f"{self._waiting} sessions of the service waited for a lock" if self._waiting else ""

    def _count(self) -> None:
        with contextlib.suppress(*self._errors), contextlib.closing(self._open()) as other:
            while not self._ended.wait(_LOOK_S):
                self._waiting = max(self._waiting, other.waiting())


class Exhausted:
    """All connections taken by somebody else, those of API and sinks, which are ended, among them."""

    def __init__(self, field: Field) -> None:
        self._open = administrators_of(field.stack.connections)
        self._errors = errors_of(field.stack.connections)
        self._held: list[Administrator] = []
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._broken = 0
        self._left: int | None = None

    def begin(self) -> None:
        """Take what is free, then end those of the service, and take theirs before they do, until none has one."""
        self._take()
        deadline_s = time.monotonic() + _TAKEN_WITHIN_S
        while self._left != 0 and time.monotonic() < deadline_s:
            self._broken += self._held[0].end_them()
            self._take()
            self._left = self._held[0].connected()
        self._keeper.start()

    def end(self) -> None:
        """Give all back."""
        self._ended.set()
        if self._keeper.ident is not None:
            self._keeper.join()
        for connection in self._held:
            connection.close()

    def bite(self) -> str:
        """Say how many were broken, where the service had none left."""
        if self._left != 0:
            return ""
        return f"{self._broken} connections of the service ended, all {len(self._held)} taken by somebody else"

    def _take(self) -> None:
        with contextlib.suppress(*self._errors):  # the first that is refused
            while True:
                self._held.append(self._open())

    def _keep(self) -> None:
        while not self._ended.wait(_LOOK_S):
            self._take()


def lock(field: Field) -> Locked:
    """Return what locks all tables."""
    return Locked(field)


def exhaust(field: Field) -> Exhausted:
    """Return what takes all connections."""
    return Exhausted(field)
