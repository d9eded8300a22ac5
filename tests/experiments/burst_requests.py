"""A burst of which all is known: ten seconds, a request each hundredth, the burst from the third to the fifth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from contract.ids import Run
from contract.samples import Shape
from seawall.audit.ledger import NEVER, Ledger
from seawall.experiments.burst_figures import BurstRequests
from seawall.load.profile import Profile, Stage

SECOND, MS = 10**9, 10**6
START_NS = 7 * SECOND
COUNT = 1_000
LIMITS_MS = (200.0, 1_000.0)
PROFILE = Profile(
    name="burst",
    stages=tuple(
        Stage(name=name, duration_s=length_s, from_per_s=100.0, to_per_s=100.0)
        for name, length_s in (("settling", 1.0), ("before", 2.0), ("burst", 2.0), ("after", 5.0))
    ),
)


def burst_requests(
    status: Mapping[int, int] | None = None,
    took_ms: Mapping[int, float] | None = None,
    seen_after_ms: Mapping[int, float | None] | None = None,
    unsent: Iterable[int] = (),
) -> BurstRequests:
    """Return the requests; what is not named was stored within 5 ms, and visible 50 ms later.

    None in *seen_after_ms* is never; *unsent* are requests of the schedule that were not sent.
    """
    status, took_ms, seen_after_ms = status or {}, took_ms or {}, seen_after_ms or {}
    missing = set(unsent)
    numbers = [number for number in range(COUNT) if number not in missing]
    due_ns = START_NS + np.array(numbers, dtype=np.int64) * 10 * MS
    took_ns = np.array([took_ms.get(number, 5.0) * MS for number in numbers], dtype=np.int64)
    statuses = np.array([status.get(number, 202) for number in numbers], dtype=np.uint16)
    rows = len(numbers)
    ledger = Ledger(
        run=Run(1, 1), seed=1, shape=Shape(), endpoints=("POST /v1/kafka/users",),
        user=np.arange(rows, dtype=np.uint32), sequence=np.ones(rows, dtype=np.uint32),
        entity=np.full(rows, 2, dtype=np.uint8), endpoint=np.zeros(rows, dtype=np.uint8),
        intended_ns=due_ns, sent_ns=due_ns, answered_ns=due_ns + took_ns, status=statuses,
        overruled=np.zeros(rows, dtype=np.bool_), denied=np.zeros(rows, dtype=np.bool_),
    )  # fmt: skip
    delays = [seen_after_ms.get(number, 50.0) for number in numbers]
    visible_ns = np.array([NEVER if delay is None else int(delay * MS) for delay in delays], dtype=np.int64)
    visible_ns = np.where(visible_ns == NEVER, NEVER, ledger.answered_ns + np.where(visible_ns == NEVER, 0, visible_ns))
    unsent_ns = START_NS + np.array(sorted(missing), dtype=np.int64) * 10 * MS
    return BurstRequests(
        ledger, np.where(statuses == 202, visible_ns, NEVER), unsent_ns, profile=PROFILE, start_ns=START_NS
    )
