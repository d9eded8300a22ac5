"""Which reviews are asked about together: closed by size or by a deadline from the first of them, what is first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from contract.entities import Review
from workers.sink.batches import Place

SIZE, TIME, JOB = "size", "time", "job"
"""Why a batch was closed: it was full, its deadline had come, or its job was whole."""


class Item(NamedTuple):
    """A review, and where in the log its message stands."""

    review: Review
    place: Place


@dataclass
class Batch:
    """Reviews that are asked about together, in the order in which they came. Times are monotonic, in nanoseconds."""

    opened_ns: int
    """When the first of them was there."""
    items: list[Item] = field(default_factory=list)
    why: str = ""
    due_ns: int = 0
    closed_ns: int = 0
    asked_ns: int = 0
    """When somebody took it up to ask."""

    @property
    def jobs(self) -> set[UUID]:
        """The jobs of its reviews."""
        return {item.review.job_id for item in self.items}


Key = Callable[[Review], UUID | None]
"""Which of the open batches a review belongs into."""


def by_arrival(_: Review) -> UUID | None:
    """Have one open batch for all reviews."""
    return None


def by_job(review: Review) -> UUID | None:
    """Have an open batch for each job."""
    return review.job_id


class Batcher:
    """Collects reviews; knows no clock: whoever asks says what time it is."""

    def __init__(self, size: int, wait_s: float, key: Key = by_arrival) -> None:
        self._size, self._wait_ns, self._key = size, round(wait_s * 1e9), key
        self._open: dict[UUID | None, Batch] = {}  # in the order of their deadlines, since all wait equally long

    def add(self, item: Item, now_ns: int) -> list[Batch]:
        """Take a review that came at *now_ns*; return the batch that it fills, if it does."""
        key = self._key(item.review)
        batch = self._open.get(key)
        if batch is None:
            batch = self._open[key] = Batch(now_ns, due_ns=now_ns + self._wait_ns)
        batch.items.append(item)
        return [self._closed(key, SIZE, now_ns)] if len(batch.items) >= self._size else []

    def add_job(self, items: Sequence[Item], now_ns: int) -> list[Batch]:
        """Take all reviews of a job; return batches of them alone, each as large as may be."""
        pieces = [items[begin : begin + self._size] for begin in range(0, len(items), self._size)]
        return [Batch(now_ns, list(piece), JOB, now_ns, now_ns) for piece in pieces]

    def due(self, now_ns: int) -> list[Batch]:
        """Return the batches whose deadline has come."""
        keys = [key for key, batch in self._open.items() if batch.due_ns <= now_ns]
        return [self._closed(key, TIME, now_ns) for key in keys]

    def next_due_ns(self) -> int | None:
        """Return when the next deadline is; None while no batch is open."""
        return next((batch.due_ns for batch in self._open.values()), None)

    def forget(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Drop the reviews of *partitions*, which others read from now on."""
        gone = set(partitions)
        for key, batch in list(self._open.items()):
            batch.items = [item for item in batch.items if item.place[:2] not in gone]
            if not batch.items:
                del self._open[key]

    def _closed(self, key: UUID | None, why: str, now_ns: int) -> Batch:
        batch = self._open.pop(key)
        batch.why, batch.closed_ns = why, now_ns
        return batch
