"""One arm of `stream reviews`: a model, a worker, reviews on a schedule, and what became of each."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from contract.ids import new_run
from contract.reviews import LIST
from seawall.audit.review_results import ReviewAudit, audit_reviews
from seawall.experiments.errors import NotJudged
from seawall.experiments.stream_reviews_options import ARMS, ReviewsOptions
from seawall.load.review_feed import ReviewLoad, Sent, send
from seawall.stack.children import last_lines
from seawall.stack.reviewers import REVIEWER, ModelProcess, ReviewsProcess, empty_job_lists
from seawall.stack.stack import Stack

_LOOK_S = 0.1


@dataclass
class Judged:
    """What one trial was, as its processes tell it, and what the audit found."""

    load: ReviewLoad
    sent: Sent
    batches: list[dict[str, Any]] = field(default_factory=list)
    """What the worker said of each batch, in the order in which it wrote them."""
    audit: ReviewAudit = field(default_factory=ReviewAudit)
    served: dict[str, int] | None = None
    """The counts of the model's service; None where it is not ours."""
    cpu_s: float = 0.0

    def written_ns(self) -> dict[UUID, int]:
        """Return when each review was first judged or buried."""
        found: dict[UUID, int] = {}
        for batch in self.batches:
            for name in (*batch["written"], *batch["buried"]):
                found.setdefault(UUID(name), batch["at_ns"])
        return found


def judge_reviews(
    stack: Stack, options: ReviewsOptions, arm: str, place: Path, on_progress: Callable[[int, int], None]
) -> Judged:
    """Run one *arm* on fresh state and audit it; files and logs go to *place*.

    *on_progress* hears how many reviews the log has and how many are done. What stops it stops its processes. Raises
    `NotJudged`, `ServerFailed`, `AuditFailed`.
    """
    stack.fresh()
    connections, shape = stack.connections, ARMS[arm][1]
    if shape == LIST:
        empty_job_lists(connections.kafka)
    run = new_run()
    load = ReviewLoad.drawn(options.reviews, options.jobs, options.rate_per_s, seed=options.seed, run=run)
    with contextlib.ExitStack() as beside:
        model = None
        url = options.model_url
        if not url:
            model = beside.enter_context(ModelProcess(stack, place, options.simulated()))
            url = model.url
        settings = {**options.worker(arm), "model_url": url, "group": f"seawall-reviews-{run.ms}-{run.nonce}"}
        worker = beside.enter_context(ReviewsProcess(stack, REVIEWER, place, settings))
        worker.await_partitions()
        found = Judged(load, Sent())
        found.sent = send(connections.kafka, load, shape, lambda acked: on_progress(acked, 0))
        _await_all(found, worker, options.drain_timeout_s, on_progress)
        if (use := worker.use()) is not None:
            found.cpu_s = use.cpu_s
        worker.stop()
        _hear(found, worker)
        found.served = model.counts() if model is not None else None
    written = [UUID(name) for batch in found.batches for name in batch["written"]]
    by_id = {review.id: review for review in load.reviews}
    found.audit = audit_reviews(connections, by_id, found.sent.acked, written)
    return found


def _await_all(
    found: Judged, worker: ReviewsProcess, timeout_s: float, on_progress: Callable[[int, int], None]
) -> None:
    """Wait until all that the log has is judged or buried, or the time is up."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        _hear(found, worker)
        done = len(found.written_ns().keys() & found.sent.acked)
        on_progress(len(found.sent.acked), done)
        if done >= len(found.sent.acked):
            return
        if worker.exit_code is not None:
            raise NotJudged(f"the reviews' worker ended; the end of {worker.log}:\n{last_lines(worker.log)}")
        time.sleep(_LOOK_S)


def _hear(found: Judged, worker: ReviewsProcess) -> None:
    found.batches += [line for line in worker.news() if "written" in line]
