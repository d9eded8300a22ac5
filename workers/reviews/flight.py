"""What was read and is not written yet: in which order results may be written, and how far offsets may be committed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from contract.review_model import Judgement
from workers.reviews.batching import Batch
from workers.reviews.letters import Letter
from workers.sink.batches import Place


@dataclass
class Finished:
    """A batch about which all is known."""

    batch: Batch
    judged: dict[UUID, Judgement] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    known: set[UUID] = field(default_factory=set)
    """What has a result from before, and was not asked about again."""

    @property
    def places(self) -> list[Place]:
        """Where its messages stand, each as often as it has reviews in the batch."""
        return [item.place for item in self.batch.items] or [letter.place for letter in self.letters]


class Flight:
    """Keeps the order of each job: a batch waits with its results for those that hold earlier reviews of its jobs.

    The thread that reads and the one that writes share it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batches: dict[int, Batch] = {}  # by identity, in the order in which they were closed
        self._finished: dict[int, Finished] = {}
        self._open: dict[tuple[str, int], dict[int, int]] = {}
        """Of each partition the offsets that are read and not written, rising, each with the reviews left of it."""
        self._ends: dict[tuple[str, int], int] = {}

    def read(self, place: Place, reviews: int) -> None:
        """Note a message that was read, and how many reviews it holds; what is none counts as one."""
        topic, partition, offset = place
        with self._lock:
            self._open.setdefault((topic, partition), {})[offset] = reviews
            self._ends[topic, partition] = offset + 1

    def closed(self, batch: Batch) -> None:
        """Note a batch that will be asked about."""
        with self._lock:
            self._batches[id(batch)] = batch

    def finished(self, one: Finished) -> list[Finished]:
        """Note what became of a batch, and return all that may be written now, in their order."""
        with self._lock:
            self._finished[id(one.batch)] = one
            writable: list[Finished] = []
            waiting: set[UUID] = set()
            for key, batch in list(self._batches.items()):
                jobs = batch.jobs
                if key in self._finished and jobs.isdisjoint(waiting):
                    del self._batches[key]
                    writable.append(self._finished.pop(key))
                else:
                    waiting |= jobs
            return writable

    def written(self, places: Iterable[Place]) -> None:
        """Note that what was read at *places* is written, or a dead letter; one place stands there for each review."""
        with self._lock:
            for topic, partition, offset in places:
                left = self._open.get((topic, partition), {})
                if offset in left:
                    left[offset] -= 1
                    if not left[offset]:
                        del left[offset]

    def committable(self) -> dict[tuple[str, int], int]:
        """Return of each partition the offset before which all is written."""
        with self._lock:
            return {place: min(self._open.get(place) or (end,)) for place, end in self._ends.items()}

    def unwritten(self) -> int:
        """Return how many reviews are read and not written."""
        with self._lock:
            return sum(sum(left.values()) for left in self._open.values())

    def forget(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Forget how far *partitions* are: others read them now, and write the same results."""
        with self._lock:
            for place in partitions:
                self._open.pop(place, None)
                self._ends.pop(place, None)
