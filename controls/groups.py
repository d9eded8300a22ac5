"""``python -m controls.groups``: a real consumer group's process whose work stumbles over one record, again and again.

``SEAWALL_STUMBLE_AT`` says over the how many-th record that it sees, counted from 1.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from uuid import UUID

from workers.groups import __main__ as real
from workers.groups.work import Taken, Work


class Stumbling:
    """Does the work of another, but for one record."""

    def __init__(self, work: Work, at: int) -> None:
        self._work, self._left = work, at
        self._cursed: UUID | None = None
        self.every_s, self.from_the_beginning = work.every_s, work.from_the_beginning

    def take(self, records: Sequence[Taken]) -> None:
        """Have them taken, unless the one is among them."""
        if self._cursed is None:
            if len(records) >= self._left:
                self._cursed = records[self._left - 1].record.id
            self._left -= len(records)
        if any(one.record.id == self._cursed for one in records):
            raise ZeroDivisionError("this record is too much for it")
        self._work.take(records)

    def keep(self) -> None:
        """Have it kept."""
        self._work.keep()

    def assigned(self, partitions: Iterable[int]) -> None:
        """Hand it on."""
        self._work.assigned(partitions)

    def revoked(self, partitions: Iterable[int]) -> None:
        """Hand it on."""
        self._work.revoked(partitions)

    def ended(self, partition: int) -> None:
        """Hand it on."""
        self._work.ended(partition)

    def close(self) -> None:
        """Have it closed."""
        self._work.close()


if __name__ == "__main__":
    sys.exit(real.main(lambda work: Stumbling(work, int(os.environ["SEAWALL_STUMBLE_AT"]))))
