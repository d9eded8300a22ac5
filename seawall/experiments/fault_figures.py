"""What a fault did to the requests of a trial: from its ledger, and from when its records became visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contract.entities import ENTITIES
from seawall.audit.ledger import NEVER, Int64s, Ledger
from seawall.result import FaultMoment

MOMENT_S = 0.25
LET_PASS = 0.01
"""So many of a stretch's requests may be bad: a single one is on any machine, now and then."""
ALONE_S, STALL_S = 2.0, 0.5
"""What is bad for no longer than a stall, and lies alone by so much, is a stall of the machine: `sync` on a disk that
now and then takes so long to flush has them all the time."""
CALM_S, LET_PASS_LATER = 5.0, 0.05
"""After so long a calm, what is bad is no longer the fault's, if it is no more than this share of all that follows."""
AT_ONCE_AFTER_S = 1.0
"""What is refused later than that after a fault's begin has to be refused at once: the service knows by then."""
REFUSALS = (503, 429)
"""Statuses by which the service says that it could not, or has too much to do."""

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FaultFigures:
    """Times from the fault's begin or end, s; counts of what was due after the warm-up."""

    detect_s: float | None
    """From the begin to the first failed or late answer; None where there was none."""
    recover_s: float | None
    """From the end until the last quarter of a second with more than 1 % bad, but for stalls; None where the run ended
    first."""
    left_s: float
    """From the end until the last request was due: a later recovery could not be seen."""
    bad_before: float
    """The share of requests that failed or were late already while nothing was done to the service."""
    failed: int
    failed_orders: int
    """Those of them that name other records."""
    refused: int
    """With 429 or 503: the service said that it could not, or that it does not know."""
    refused_p50_ms: float | None
    refused_p99_ms: float | None
    """From the sending of a request to its refusal, of those sent a second after the begin or later."""


def fault_figures(
    ledger: Ledger,
    visible_ns: Int64s,
    *,
    begin_ns: int,
    end_ns: int,
    last_due_ns: int,
    limits_ms: tuple[float, float],
    settled_ns: int = 0,
) -> FaultFigures:
    """Return what became of the requests; *limits_ms* are those of response time and visible delay.

    *begin_ns* and *end_ns* are the fault's, *last_due_ns* is when the schedule ends, *settled_ns* when the warm-up did,
    all monotonic.
    """
    late_ns = ledger.intended_ns + int(limits_ms[0] * 1e6)
    late = ledger.succeeded & (ledger.answered_ns > late_ns)
    # a late answer is noticed when it is late, and a failure when it is told
    noticed_ns = np.concatenate([late_ns[late], ledger.answered_ns[~ledger.succeeded]])
    noticed_ns = noticed_ns[noticed_ns >= begin_ns]
    refused = np.isin(ledger.status, REFUSALS)
    known = refused & (ledger.sent_ns >= begin_ns + int(AT_ONCE_AFTER_S * 1e9))
    took_ms = (ledger.answered_ns - ledger.sent_ns)[known] / 1e6
    bad = bad_requests(ledger, visible_ns, limits_ms)
    before = (ledger.intended_ns >= settled_ns) & (ledger.intended_ns < begin_ns - int(limits_ms[1] * 1e6))
    judged = ledger.intended_ns >= settled_ns
    failed, refused = ~ledger.succeeded & judged, refused & judged
    naming = np.isin(ledger.entity, [entity.number for entity in ENTITIES.values() if entity.references])
    return FaultFigures(
        detect_s=round((int(noticed_ns.min()) - begin_ns) / 1e9, 3) if len(noticed_ns) else None,
        recover_s=_recovery_s(ledger.intended_ns, bad, end_ns, last_due_ns),
        bad_before=float(bad[before].mean()) if before.any() else 0.0,
        left_s=max(0.0, (last_due_ns - end_ns) / 1e9 - MOMENT_S),
        failed=int(failed.sum()),
        failed_orders=int((failed & naming).sum()),
        refused=int(refused.sum()),
        refused_p50_ms=round(float(np.quantile(took_ms, 0.5)), 3) if len(took_ms) else None,
        refused_p99_ms=round(float(np.quantile(took_ms, 0.99)), 3) if len(took_ms) else None,
    )


def _recovery_s(due_ns: Int64s, bad: Bools, end_ns: int, last_due_ns: int) -> float | None:
    """Return how long after *end_ns* all was as before; None where it was not when the schedule ended.

    That is the end of the last row of bad stretches, or of one that a long calm follows and little of what is bad: what
    comes after that is the machine's doing.
    """
    step_ns = int(MOMENT_S * 1e9)
    count = max(0, (last_due_ns - end_ns) // step_ns)
    place = (due_ns - end_ns) // step_ns
    inside = (place >= 0) & (place < count)
    requests = np.bincount(place[inside], minlength=count)
    wrong = np.bincount(place[inside & bad], minlength=count)
    after = 0
    for row in _rows(np.flatnonzero(wrong > LET_PASS * requests)):
        is_calm = (int(row[0]) - after) * MOMENT_S >= CALM_S
        if is_calm and wrong[after:].sum() <= LET_PASS_LATER * requests[after:].sum():
            break
        after = int(row[-1]) + 1
    return None if not count or after == count else round(after * MOMENT_S, 3)


def _rows(disturbed: Int64s) -> list[Int64s]:
    """Return bad stretches in rows, without those that are few and alone, unless at the beginning: the fault's."""
    alone = round(ALONE_S / MOMENT_S)
    rows = np.split(disturbed, np.flatnonzero(np.diff(disturbed) > alone) + 1)
    return [row for row in rows if len(row) * MOMENT_S > STALL_S or (len(row) and row[0] < alone)]


def bad_requests(ledger: Ledger, visible_ns: Int64s, limits_ms: tuple[float, float]) -> Bools:
    """Tell which requests failed, were answered late, or left a record that became visible late or never."""
    response_ms, visible_ms = limits_ms
    late = ledger.answered_ns - ledger.intended_ns > int(response_ms * 1e6)
    recorded = ledger.accepted & (ledger.entity != 0)
    unseen = recorded & ((visible_ns == NEVER) | (visible_ns - ledger.intended_ns > int(visible_ms * 1e6)))
    bad: Bools = ~ledger.succeeded | late | unseen
    return bad


def moments(ledger: Ledger, visible_ns: Int64s, *, start_ns: int, end_ns: int) -> list[FaultMoment]:
    """Return the course of the trial, a quarter of a second each."""
    step_ns = int(MOMENT_S * 1e9)
    count = max(1, -(-(end_ns - start_ns) // step_ns))
    place = (ledger.intended_ns - start_ns) // step_ns
    inside = (place >= 0) & (place < count)
    good = ledger.succeeded
    recorded = good & (ledger.entity != 0)
    seen = recorded & (visible_ns != NEVER)
    found = []
    for number in range(count):
        here = inside & (place == number)
        until_ns = start_ns + (number + 1) * step_ns
        response = (ledger.answered_ns - ledger.intended_ns)[here & good] / 1e6
        visible = (visible_ns - ledger.intended_ns)[here & seen] / 1e6
        taken = int((recorded & (ledger.answered_ns < until_ns)).sum())
        found.append(
            FaultMoment(
                at_s=round((number + 0.5) * MOMENT_S, 3),
                accepted_per_s=round(int((here & good).sum()) / MOMENT_S, 1),
                failed_per_s=round(int((here & ~good).sum()) / MOMENT_S, 1),
                response_p95_ms=_p95(response),
                visible_p95_ms=_p95(visible),
                lag=max(0, taken - int((seen & (visible_ns < until_ns)).sum())),
            )
        )
    return found


def _p95(values: Floats) -> float | None:
    return round(float(np.quantile(values, 0.95)), 3) if len(values) else None
