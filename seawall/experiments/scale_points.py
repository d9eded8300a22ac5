"""What the trials of a scale-out say: cost a record, projected throughput, and the law through all points.

Pure arithmetic over figures that were measured; `seawall/experiments/scale.py` measures them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from seawall.experiments.figures import Window
from seawall.experiments.locust_workers import WORKER
from seawall.experiments.processor_use import MACHINE
from seawall.result import CurvePoint, Estimate, Outcome, ScaleFinding, ScalePoint, Trial
from seawall.stack.state import StackState
from seawall.stats.intervals import Interval
from seawall.stats.scaling import FEWEST_POINTS, FURTHEST, ScalingLaw, fit_scaling_law, gain_of_each

MOST_BUSY = 0.8
"""Of all cores' time; beyond it processes wait for one another's cores, and caches are fought for."""
_CURVE_POINTS = 24
_SCALED_SERVICES = {"api": {"api"}, "sinks": {"sink"}, "partitions": {"kafka", "api", "sink"}}
"""By kind; of partitions it is all through whose hands a record goes on its way through the log."""


def window_of(trial: Trial) -> Window:
    """Return the judged time of a *load* trial."""
    start_ns = (trial.schedule_start_ns or 0) + int(trial.warmup_s * 1e9)
    return Window(start_ns, start_ns + int((trial.duration_s or 0.0) * 1e9))


def scaled_processes(what: str, state: StackState, used: dict[str, float]) -> list[str]:
    """Return the names of the processes whose cost counts, among those of which it is known what they *used*."""
    if what == "workers":
        return [name for name in used if name.startswith(WORKER)]
    kinds = _SCALED_SERVICES[what]
    return [name for name in used if name in state.services and state.services[name].kind in kinds]


def expected_processes(what: str, count: int, state: StackState) -> int:
    """Return how many such processes there should be: a point with fewer would look cheap."""
    if what == "workers":
        return count
    return sum(service.kind in _SCALED_SERVICES[what] for service in state.services.values() if not service.external)


def point_of(
    count: int,
    trial: Trial,
    used: dict[str, float],
    *,
    scaled: list[str],
    expected: int,
    cores: int,
    rebalances: int | None,
    alike: bool = True,
) -> ScalePoint:
    """Return what *trial* says; *used* holds cores a process over the judged time.

    Cost is what the scaled processes used, divided by the records that were accepted a second. Which of them was the
    busiest says something only where they are *alike*.
    """
    accepted_per_s = (trial.requests + trial.unsent - trial.failed) / (trial.duration_s or math.inf)
    busy = used[MACHINE] / cores if MACHINE in used else None
    spent = [used[name] for name in scaled]
    whole = sum(spent)
    told = whole > 0 and accepted_per_s > 0
    return ScalePoint(
        count=count,
        trial=trial.name,
        cost_us=whole / accepted_per_s * 1e6 if told else None,
        projected_per_s=count * accepted_per_s / whole if told else None,
        busiest=max(spent) / whole * len(spent) if told and alike else None,
        costs_us={name: cores_ / accepted_per_s * 1e6 for name, cores_ in used.items() if name != MACHINE}
        if accepted_per_s > 0
        else {},
        machine_busy=busy,
        rebalances=rebalances,
        invalid_because=list(_objections(trial, busy, expected - len(scaled), rebalances, told=told)),
    )


def _objections(trial: Trial, busy: float | None, unknown: int, rebalances: int | None, *, told: bool) -> Iterator[str]:
    yield from trial.invalid_because
    if trial.outcome is Outcome.FAIL:
        yield "its audit found what should not be"
    if busy is None:
        yield "it is not known how busy the machine was"
    elif busy > MOST_BUSY:
        yield (
            f"the machine was {busy:.0%} busy, and beyond {MOST_BUSY:.0%} processes wait for cores: lower --rate-each,"
            " or stop what else runs"
        )
    if unknown > 0:
        yield f"of {unknown} of the scaled processes it is not known what they used"
    if trial.restarts:
        yield f"{', '.join(trial.restarts)} died and was started again"
    if trial.failed:
        yield f"{trial.failed:,} requests failed"
    if rebalances:
        yield f"partitions moved between sinks ({rebalances} times)"
    if not told:
        yield "no processor time was seen"


def finding_of(what: str, points: list[ScalePoint]) -> ScaleFinding:
    """Fit the law to the valid *points*; says why where that cannot be."""
    valid = [point for point in points if not point.invalid_because and point.projected_per_s]
    counts = np.array([point.count for point in valid], dtype=np.float64)
    projected = np.array([point.projected_per_s for point in valid], dtype=np.float64)
    different = len(np.unique(counts))
    if different < FEWEST_POINTS:
        return ScaleFinding(
            what=what,
            points=list(points),
            reason=f"no law is fitted: it takes {FEWEST_POINTS} different numbers with a valid trial, and there are"
            f" {different}",
        )
    law = fit_scaling_law(counts, projected)
    return ScaleFinding(
        what=what,
        points=list(points),
        gamma=_estimate(law.single),
        alpha=_estimate(law.contention),
        beta=_estimate(law.coherency),
        peak=None if law.peak is None else _estimate(law.peak),
        curve=_curve(law, int(counts.max())),
        reason=cheaper(gain_of_each(counts, projected))
        or open_question(law.contention, law.coherency, int(counts.max())),
    )


def cheaper(gain: Interval) -> str:
    """Return what it means that a record grew cheaper with the number; empty where it did not, beyond chance."""
    if gain.low <= 0:
        return ""
    return (
        "a record grew cheaper the more there were, for which the law has no parameter: contention and coherency of 0"
        " say nothing here; small loads are dear by themselves, so raise --rate-each"
    )


def open_question(contention: Interval, coherency: Interval, largest: int) -> str:
    """Return what the intervals leave open: whether it scales linearly, or turns back within what is shown.

    Empty where they tell.
    """
    linear = contention.low <= 0 and coherency.low <= 0
    turns_at = math.sqrt((1 - contention.estimate) / coherency.high) if coherency.high > 0 else math.inf
    if linear and turns_at <= FURTHEST * largest:
        return (
            "it cannot be told whether it scales linearly or turns back before"
            f" {FURTHEST * largest:g}: more --repeats or a longer --duration narrow the intervals"
        )
    return ""


def outcome_of(finding: ScaleFinding, trials: list[Trial], *, interrupted: bool) -> Outcome:
    """Return the run's outcome: FAIL where a record is not where it should be, whatever else happened."""
    if any(trial.outcome is Outcome.FAIL for trial in trials):
        return Outcome.FAIL
    if interrupted or finding.gamma is None:
        return Outcome.INVALID
    return Outcome.INCONCLUSIVE if finding.reason else Outcome.PASS


def _curve(law: ScalingLaw, largest: int) -> list[CurvePoint]:
    """Return the law at whole numbers, as far as it may be told; a few of them where there are many."""
    furthest = int(FURTHEST * largest)
    counts = sorted({round(count) for count in np.linspace(1, furthest, min(furthest, _CURVE_POINTS))} | {largest})
    return [CurvePoint(count=count, per_s=_estimate(law.throughput(count))) for count in counts]


def _estimate(interval: Interval) -> Estimate:
    return Estimate(value=interval.estimate, low=interval.low, high=interval.high)
