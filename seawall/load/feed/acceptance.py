"""When the records that this process wrote were due and accepted, for those who see them come back by a feed."""

from __future__ import annotations

from collections import OrderedDict
from uuid import UUID

MOST_RECORDS = 50_000
"""So many are remembered; older ones are forgotten, and what comes back of them is timed by nobody."""


class Acceptances:
    """Remembers the last records."""

    def __init__(self, most: int = MOST_RECORDS) -> None:
        self._most = most
        self._times: OrderedDict[UUID, tuple[int, int]] = OrderedDict()

    def note(self, record: UUID, due_ns: int, accepted_ns: int) -> None:
        """Remember when *record* was due to be sent and when its acceptance was there, monotonic."""
        self._times[record] = due_ns, accepted_ns
        if len(self._times) > self._most:
            self._times.popitem(last=False)

    def of(self, record: UUID) -> tuple[int, int] | None:
        """Return both times; None for a record of another process, or one that is forgotten."""
        return self._times.get(record)
