"""The thread that writes what the model said, in the order of each job."""

from __future__ import annotations

import logging
import queue
import threading
import time

from workers.progress_lines import peak_memory_bytes, say
from workers.reviews.errors import Stopped
from workers.reviews.flight import Finished, Flight
from workers.reviews.judging import Judging
from workers.reviews.letters import Letter, Letters
from workers.reviews.results import Results, Row

log = logging.getLogger(__name__)
_SAID = 10


class Writing(threading.Thread):
    """Ends at the first None in its queue, or where it is stopped while a server is away."""

    def __init__(
        self,
        finished: queue.SimpleQueue[Finished | None],
        flight: Flight,
        results: Results,
        letters: Letters,
        judging: Judging,
        stop: threading.Event,
    ) -> None:
        super().__init__(daemon=True)
        self._finished, self._flight, self._results = finished, flight, results
        self._letters, self._judging, self._stop_event = letters, judging, stop

    def run(self) -> None:
        """Write until the end."""
        try:
            while (one := self._finished.get()) is not None:
                for writable in self._flight.finished(one):
                    self._write(writable)
        except Stopped:
            log.warning("stopped before all was written; it is read again")

    def _write(self, one: Finished) -> None:
        self._bury(one.letters)
        rows: list[Row] = []
        reasons = {letter.review: letter.reason for letter in one.letters}
        for review, _ in one.batch.items:
            if review.id in one.judged:
                rows.append(Row(review.id, review.job_id, one.judged[review.id]))
            elif str(review.id) in reasons:
                rows.append(Row(review.id, review.job_id, reason=reasons[str(review.id)]))
        rows = list({row.id: row for row in rows}.values())
        stored = self._results.store(rows)
        at_ns = time.monotonic_ns()
        self._flight.written(one.places)
        batch = one.batch
        say(
            {
                "at_ns": at_ns,
                "written": [row.id.hex for row in rows if row.judgement],
                "buried": [row.id.hex for row in rows if not row.judgement],
                "garbage": sum(not letter.review for letter in one.letters),
                "stored": stored,
                "known": len(one.known),
                "size": len(batch.items),
                "why": batch.why,
                "opened_ns": batch.opened_ns,
                "due_ns": batch.due_ns,
                "closed_ns": batch.closed_ns,
                "asked_ns": batch.asked_ns,
                "counts": self._judging.counts(),
                "memory_bytes": peak_memory_bytes(),
            }
        )

    def _bury(self, letters: list[Letter]) -> None:
        """Publish *letters* until all are acknowledged; a process that dies before it writes them publishes twice."""
        for letter in letters[:_SAID]:
            log.warning("dead letter, from %s[%d] at %d: %s", *letter.place, " ".join(letter.reason.split()))
        left = letters
        while left and (left := self._letters.publish(left)):
            log.warning("dead letters: %d are not acknowledged yet", len(left))
            if self._stop_event.is_set():
                raise Stopped
