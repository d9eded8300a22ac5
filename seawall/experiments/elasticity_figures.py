"""What clients saw while processes came and went: from a trial's ledger, and from when its records became visible."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seawall.audit.ledger import NEVER, Int64s, Ledger
from seawall.experiments.scaler import Change, Look
from seawall.result import ElasticityMoment, ElasticityStep, Outcome

MOMENT_S = 1.0
BACK_WITHIN_S = 15.0
CALM_S = 5.0
"""What is late after so long a calm is a stall of the machine, and no longer the step's."""
Floats = npt.NDArray[np.float64]


def moments(
    ledger: Ledger, visible_ns: Int64s, looks: Sequence[Look], *, first: int, start_ns: int, end_ns: int
) -> list[ElasticityMoment]:
    """Return the course of the trial, a second each; *first* processes were there before anybody looked."""
    step_ns = int(MOMENT_S * 1e9)
    count = max(1, -(-(end_ns - start_ns) // step_ns))
    place = (ledger.intended_ns - start_ns) // step_ns
    good = ledger.succeeded
    seen = good & (ledger.entity != 0) & (visible_ns != NEVER)
    looked_ns = [look.at_ns for look in looks]
    found = []
    for number in range(count):
        here = place == number
        look = looks[at - 1] if (at := bisect_right(looked_ns, start_ns + (number + 1) * step_ns)) else None
        found.append(
            ElasticityMoment(
                at_s=round((number + 0.5) * MOMENT_S, 3),
                offered_per_s=round(int(here.sum()) / MOMENT_S, 1),
                failed_per_s=round(int((here & ~good).sum()) / MOMENT_S, 1),
                response_p95_ms=_p95((ledger.answered_ns - ledger.intended_ns)[here & good] / 1e6),
                visible_p95_ms=_p95((visible_ns - ledger.intended_ns)[here & seen] / 1e6),
                lag=None if look is None else look.lag,
                wanted=first if look is None else look.wanted,
                running=first if look is None else look.running,
            )
        )
    return found


def steps(
    changes: Sequence[Change],
    course: Sequence[ElasticityMoment],
    *,
    start_ns: int,
    limits_ms: tuple[float | None, float | None],
) -> list[ElasticityStep]:
    """Return what became of each change; *limits_ms* are those of the p95 of response time and visible delay."""
    late = [_is_late(moment, limits_ms) for moment in course]
    begins_s = [(change.at_ns - start_ns) / 1e9 for change in changes]
    ends_s = [*begins_s[1:], len(course) * MOMENT_S]
    return [
        _step(change, late, begin_s, end_s) for change, begin_s, end_s in zip(changes, begins_s, ends_s, strict=False)
    ]


def _step(change: Change, late: Sequence[bool], begin_s: float, end_s: float) -> ElasticityStep:
    back_s = _back_s(late, begin_s, end_s)
    asked = end_s - begin_s >= BACK_WITHIN_S
    settle_s = None if change.settled_ns is None else round((change.settled_ns - change.at_ns) / 1e9, 3)
    outcome, reason = Outcome.PASS, ""
    if settle_s is None:
        reason = "the next step came before it was there"
        if asked:
            outcome, reason = Outcome.FAIL, f"{end_s - begin_s:.0f} s later not as many did their work"
    elif not asked:
        reason = f"the next step, or the end, came after {end_s - begin_s:.0f} s"
    elif back_s is None or back_s > BACK_WITHIN_S:
        took = "they were not when the next step, or the end, came" if back_s is None else f"it took {back_s:.0f} s"
        outcome, reason = Outcome.FAIL, f"times shall be within their limits {BACK_WITHIN_S:g} s after a step: {took}"
    return ElasticityStep(
        at_s=round(begin_s, 3),
        before=change.before,
        after=change.after,
        why=change.why,
        settle_s=settle_s,
        back_s=back_s,
        asked=asked,
        outcome=outcome,
        reason=reason,
    )


def _back_s(late: Sequence[bool], begin_s: float, end_s: float) -> float | None:
    """Return how long after *begin_s* the last late second ended that belongs to the step."""
    back_s = 0.0
    for number in range(int(begin_s / MOMENT_S), min(len(late), int(end_s / MOMENT_S))):
        if not late[number]:
            continue
        if number * MOMENT_S - begin_s - back_s >= CALM_S:
            break
        back_s = (number + 1) * MOMENT_S - begin_s
    return None if back_s and begin_s + back_s + MOMENT_S > end_s else round(back_s, 3)


def _is_late(moment: ElasticityMoment, limits_ms: tuple[float | None, float | None]) -> bool:
    shown = (moment.response_p95_ms, moment.visible_p95_ms)
    return any(
        limit is not None and figure is not None and figure > limit
        for figure, limit in zip(shown, limits_ms, strict=True)
    )


def _p95(values: Floats) -> float | None:
    return round(float(np.quantile(values, 0.95)), 3) if len(values) else None
