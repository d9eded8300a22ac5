"""The threads that ask the model, as many as calls may be under way."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Mapping
from uuid import UUID

import msgspec

from contract.entities import Review
from workers.reviews.batching import Batch, Item
from workers.reviews.errors import Stopped
from workers.reviews.flight import Finished
from workers.reviews.judging import Judging
from workers.reviews.letters import Letter
from workers.reviews.results import Results

log = logging.getLogger(__name__)


class Asking:
    """Takes batches in the order in which they were closed; what becomes of each goes to a queue."""

    def __init__(
        self, judging: Judging, results: Results, threads: int, finished: queue.SimpleQueue[Finished | None]
    ) -> None:
        self._judging, self._results, self._finished = judging, results, finished
        self._waiting: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        # daemons, since a call may take longer than anybody wants to wait at the end
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        self._ending = False
        self.is_broken = False
        """Whether a thread has ended by what nobody foresaw: its batch is never finished."""

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def put(self, batch: Batch) -> None:
        """Have a batch asked about as soon as a thread is free."""
        self._waiting.put(batch)

    def end(self, within_s: float, stop: threading.Event) -> None:
        """Begin no more batches; give those under way so long, then set *stop*, which ends all pauses."""
        self._ending = True
        for _ in self._threads:
            self._waiting.put(None)
        until_s = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.0, until_s - time.monotonic()))
        stop.set()
        for thread in self._threads:
            thread.join(0.1)

    def close(self) -> None:
        """Close the connections to the database."""
        self._results.close()

    def _work(self) -> None:
        try:
            # To connect for the first time takes the interpreter from the thread that keeps deadlines.
            self._results.known(())
        except Stopped:
            return
        while (batch := self._waiting.get()) is not None:
            if self._ending:
                continue
            try:
                self._finished.put(self._asked(batch))
            except Stopped:
                return
            except Exception:
                log.exception("a batch could not be asked about")
                self.is_broken = True
                return

    def _asked(self, batch: Batch) -> Finished:
        batch.asked_ns = time.monotonic_ns()
        # An answer costs money and time: what an earlier process has written already is not asked about again.
        known = self._results.known([item.review.id for item in batch.items])
        wanted: dict[UUID, Review] = {}
        for item in batch.items:
            if item.review.id not in known:
                wanted.setdefault(item.review.id, item.review)
        judged, given_up = self._judging.judge(list(wanted.values()))
        return Finished(batch, judged, letters_of(batch.items, given_up), known)


def letters_of(items: list[Item], given_up: Mapping[UUID, str]) -> list[Letter]:
    """Return a letter for each review that was given up, which holds it alone whatever its message held."""
    found: dict[UUID, Letter] = {}
    for review, place in items:
        if review.id in given_up and review.id not in found:
            value = msgspec.json.encode(review)
            found[review.id] = Letter(place, review.id.bytes, value, given_up[review.id], str(review.id))
    return list(found.values())
