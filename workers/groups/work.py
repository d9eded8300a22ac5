"""What a consumer group does with records, whatever that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from contract.entities import Record


class NotNow(Exception):
    """What the work needs is away: a server that does not answer. The same is tried again."""


class Refused(Exception):
    """A record that this group can never take; the message says why, and it becomes a dead letter."""


class Taken(NamedTuple):
    """A record, and where it stands in the log."""

    record: Record
    partition: int
    offset: int


class Work(Protocol):
    """One kind of work. To add one, write a class like this and name it in `kinds`."""

    every_s: float
    """At least so much time lies between two calls of `keep`, so that they need not be many."""
    from_the_beginning: bool
    """Whether a process that starts reads the log from its first record on, since it remembers nothing."""

    def take(self, records: Sequence[Taken]) -> None:
        """Work at *records*, all of them or none; the same may come again, which must change nothing.

        Raises `NotNow` for what passes. Any other exception is laid to the records: they are tried in halves, and the
        one that raises alone becomes a dead letter.
        """
        ...

    def keep(self) -> None:
        """Make what was taken since the last time last, and seen by others; raises `NotNow`."""
        ...

    def assigned(self, partitions: Iterable[int]) -> None:
        """Hear that *partitions* are read from now on."""
        ...

    def revoked(self, partitions: Iterable[int]) -> None:
        """Hear that others read *partitions* from now on."""
        ...

    def ended(self, partition: int) -> None:
        """Hear that *partition* holds no more for now."""
        ...

    def close(self) -> None:
        """Let go of what is open; all that matters was kept."""
        ...


class PlainWork:
    """What most kinds have in common."""

    every_s = 0.0
    from_the_beginning = False

    def assigned(self, partitions: Iterable[int]) -> None:
        """Do nothing."""

    def revoked(self, partitions: Iterable[int]) -> None:
        """Do nothing."""

    def ended(self, partition: int) -> None:
        """Do nothing."""
