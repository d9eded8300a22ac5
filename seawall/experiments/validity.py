"""When a trial's figures say nothing about the service: the instrument was late, or the state had not settled.

A service that is overloaded is a FAIL and not INVALID. What tells the two apart: its lateness shows in the answers,
the instrument's shows before the sending (`Ledger.generator_lag_ns`) and in its own loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seawall.result import Course, Quantiles, Trial
from seawall.targets.limit import Operator
from seawall.targets.metrics import Scope
from seawall.targets.target import Targets

LEAST_TOLERATED_MS = 5.0
TOLERATED_SHARE = 0.05
"""An error of the instrument of so much of the limit, or of the figure itself, is let pass."""
MOST_CPU_SHARE = 0.9
"""Of one core, which is all that a generator's process can use; beyond it requests queue inside it."""


@dataclass(frozen=True)
class Limits:
    """What figures are held to: the strictest limits on times of one scope, ms; None where there is none."""

    response_ms: float | None = None
    visible_ms: float | None = None
    steady: bool = True
    """Whether the state has to be steady; a burst never is."""
    silent: bool = False
    """Whether it tells of the service where nothing was sent that was due: all users still waited for its answers."""

    @classmethod
    def of(cls, targets: Targets, scope: Scope = Scope.WRITE) -> Limits:
        """Return the limits that *targets* hold requests of *scope* to."""
        strictest: dict[str, float] = {}
        for target in targets.targets:
            kind = target.metric.name.partition("_")[0]
            upper = target.limit.operator in (Operator.BELOW, Operator.AT_MOST)
            if kind in ("response", "visible") and upper and target.scope in (scope, Scope.ALL):
                strictest[kind] = min(target.limit.number, strictest.get(kind, target.limit.number))
        return cls(strictest.get("response"), strictest.get("visible"))


NO_LIMITS = Limits()


def shortcomings(trial: Trial, limits: Limits, *, interrupted: bool) -> list[str]:
    """Return why the figures of *trial* say nothing about the service; an empty list where they do."""
    found = []
    if interrupted:
        found.append("interrupted")
    if not trial.requests and not (limits.silent and trial.unsent):
        found.append("no request was sent")
    if trial.kind == "load":
        found.extend(_of_the_instrument(trial, limits))
        if limits.steady:
            found.extend(_of_the_course("response time", trial.response_course, trial.response_ms, limits.response_ms))
            found.extend(_of_the_course("visible delay", trial.visible_course, trial.visible_ms, limits.visible_ms))
    return found


def tolerated_ms(trial: Trial, limits: Limits) -> float:
    """Return how late the instrument may be, at the 99th percentile, without moving the judged figure.

    5 ms, or 5 % of the limit; and 5 % of what remains of the figure without that lateness, since a service that takes
    seconds is not excused by a generator that was late by some milliseconds.
    """
    late = max(trial.generator_lag_ms.p99 or 0.0, trial.instrument.loop_lag_p99_ms)
    remaining = max(0.0, (trial.response_ms.p95 or 0.0) - late)
    return max(LEAST_TOLERATED_MS, TOLERATED_SHARE * (limits.response_ms or 0.0), TOLERATED_SHARE * remaining)


def lateness(trial: Trial, limits: Limits) -> Iterator[str]:
    """Say where the generator was later than is tolerated; response times, from the intended ones on, hold that."""
    tolerated, health = tolerated_ms(trial, limits), trial.instrument
    lag_ms = trial.generator_lag_ms.p99 or 0.0
    if lag_ms > tolerated:
        yield f"the generator itself was late: p99 of its start lag {lag_ms:.1f} ms, tolerated {tolerated:.1f} ms"
    if health.loop_lag_p99_ms > tolerated:
        yield f"the generator's event loop was late: p99 {health.loop_lag_p99_ms:.1f} ms, tolerated {tolerated:.1f} ms"


def _of_the_instrument(trial: Trial, limits: Limits) -> Iterator[str]:
    yield from lateness(trial, limits)
    health = trial.instrument
    if health.cpu_share > MOST_CPU_SHARE:
        yield f"the generator was busy for {health.cpu_share:.0%} of the time: spread the users over more processes"


def _of_the_course(what: str, course: Course, times: Quantiles, limit_ms: float | None) -> Iterator[str]:
    """Say that the state was not steady, where that leaves the verdict open.

    What rises and misses its limit already is an overloaded service. What moves by less than the instrument's own
    tolerance cannot reach the limit, or stands far beyond it.
    """
    if course.steady is not False or limit_ms is None:
        return
    missed = times.p95 is None or times.p95 > limit_ms
    if missed and course.drift > 0:
        return
    if abs(course.drift_ms) > max(LEAST_TOLERATED_MS, TOLERATED_SHARE * limit_ms):
        yield f"the state was not steady: {what} {'; '.join(course.reasons)}"
