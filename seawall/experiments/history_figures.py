"""What a history keeps of one run: a figure each for what is worth following, of each arm.

The run is the unit: however many trials and requests it had, it gives one figure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import numpy as np

from seawall.experiments.comparisons import figures_of
from seawall.experiments.conditions import conditions, versions
from seawall.experiments.errors import NoTime
from seawall.result import Arm, CapacityFinding, Outcome, Result, Trial
from seawall.result.fanout import PLAIN

LARGER, SMALLER = "larger", "smaller"
_BY_TRIAL = ("compare", "attain", "soak", "locust", "k6", "k6-beside-locust", "tune")
"""Experiments whose trials of one load are alike, and whose figures so say something by themselves."""
_AS_A_WHOLE = ("controls", "scale")
"""Experiments whose arms mean nothing one by one; that controls lose records on purpose is no loss."""
_LOAD_FIGURES = {
    "response p95, ms": ("response_p95_ms", LARGER),
    "visible p95, ms": ("visible_p95_ms", LARGER),
    "achieved, /s": ("achieved_per_s", SMALLER),
    "CPU per 1,000 rows, s": ("cpu_s_per_1000_rows", LARGER),
}


@dataclass(frozen=True)
class Figure:
    """What is followed from run to run."""

    name: str
    """In words, with its unit."""
    worse: str
    """The change that is for the worse: `LARGER` or `SMALLER`."""
    cell: str = ""
    """Under which load, or of which of several alike."""
    main: bool = True
    """Whether it stands in the tables by period."""


@dataclass(frozen=True)
class ArmOfRun:
    """What one arm came to in one run."""

    arm: str
    path: str
    conditions: dict[str, str]
    outcome: Outcome
    lost: int
    audited: bool
    figures: dict[Figure, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FollowedRun:
    """What a history keeps of one run."""

    directory: str
    experiment: str
    at: datetime
    finished_at: str
    seed: int
    outcome: Outcome
    versions: dict[str, str]
    arms: list[ArmOfRun]


def followed(result: Result, directory: str) -> FollowedRun:
    """Return what to keep of *result*, which lies in *directory*; raises `NoTime` where it does not say when it was."""
    try:
        at = datetime.fromisoformat(result.started_at)
    except ValueError:
        raise NoTime(
            f"it began at {result.started_at!r}, which is no time: the run ended before it began to measure"
        ) from None
    return FollowedRun(
        directory=directory,
        experiment=result.experiment,
        at=at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC),
        finished_at=result.finished_at,
        seed=result.seed,
        outcome=result.outcome,
        versions=versions(result),
        arms=_arms(result),
    )


def _arms(result: Result) -> list[ArmOfRun]:
    if not result.arms or result.experiment not in _AS_A_WHOLE:
        return [
            _of_arm(result, arm, [trial for trial in result.trials if trial.arm == arm.name]) for arm in result.arms
        ]
    what = result.options.get("what") or result.options.get("autoscale") or "all"
    whole = msgspec.structs.replace(result.arms[0], name=str(what))
    return [_of_arm(result, whole, [] if result.controls else result.trials)]


def _of_arm(result: Result, arm: Arm, trials: list[Trial]) -> ArmOfRun:
    return ArmOfRun(
        arm=arm.name,
        path=arm.path,
        conditions=conditions(result, arm),
        outcome=result.verdicts.get(arm.name, result.outcome),
        lost=sum(trial.audit.lost for trial in trials),
        audited=any(trial.audited for trial in trials),
        figures={figure: value for make in _FIGURES for figure, value in make(result, arm, trials)},
    )


Figures = Iterator[tuple[Figure, float]]


def _of_loads(result: Result, arm: Arm, trials: list[Trial]) -> Figures:
    """Yield the figures of each load, over its trials."""
    if result.experiment not in _BY_TRIAL:
        return
    warm_up = {segment.trial for segment in result.segments if segment.warm_up}
    judged = [trial for trial in trials if trial.kind == "load" and trial.name not in warm_up]
    loads = list(dict.fromkeys(map(_load, judged)))
    for load in loads:
        cell = load if len(loads) > 1 else ""
        of_load = [trial for trial in judged if _load(trial) == load]
        good = [trial for trial in of_load if trial.outcome is Outcome.PASS]
        for name, (metric, worse) in _LOAD_FIGURES.items():
            figures = figures_of(good, arm.name, metric)
            if len(figures):
                yield Figure(name, worse, cell, main="CPU" not in name), float(np.exp(np.log(figures).mean()))
        valid = [trial for trial in of_load if not trial.invalid_because]
        asked = sum(trial.requests + trial.unsent for trial in valid)
        if asked:
            yield Figure("failed, %", LARGER, cell), 100 * sum(trial.failed for trial in valid) / asked


def _load(trial: Trial) -> str:
    rate = f"{trial.offered_per_s:,.0f}/s" if trial.offered_per_s else "its own rate"
    return f"{rate} by {trial.users:,} users, {trial.entity}"


def _of_equal_data(result: Result, arm: Arm, trials: list[Trial]) -> Figures:
    """Yield how long each number of records took."""
    if result.experiment not in _BY_TRIAL:
        return
    good = [trial for trial in trials if trial.kind == "data" and trial.outcome is Outcome.PASS]
    for entity, count in dict.fromkeys((trial.entity, trial.count) for trial in good):
        figures = figures_of([t for t in good if (t.entity, t.count) == (entity, count)], arm.name, "duration_s")
        if len(figures):
            cell = f"{count or 0:,} {entity}"
            yield Figure("until all are visible, s", LARGER, cell, main=False), float(np.exp(np.log(figures).mean()))


def _of_capacity(result: Result, arm: Arm, _: list[Trial]) -> Figures:
    """Yield the highest load that held, for each search that found its end."""
    for finding in result.capacity:
        if finding.arm == arm.name and finding.last_pass_per_s:
            yield Figure("capacity, /s", SMALLER, _searched(finding)), finding.last_pass_per_s


def _searched(finding: CapacityFinding) -> str:
    return "" if finding.burst_s is None else f"bursts of {finding.burst_s:g} s"


def _of_soak(result: Result, _arm: Arm, _: list[Trial]) -> Figures:
    """Yield by how much each judged figure rises in an hour."""
    for slope in result.slopes:
        if slope.outcome is not None and slope.per_hour is not None:
            name = f"rise of {slope.metric.replace('_', ' ')}, {slope.unit} an hour"
            yield Figure(name, LARGER, slope.service, main=False), slope.per_hour


def _of_faults(result: Result, arm: Arm, _: list[Trial]) -> Figures:
    """Yield how long each fault took to be over, on the average of its repeats."""
    mine = [finding for finding in result.faults if finding.arm == arm.name and finding.recover_s is not None]
    for name in dict.fromkeys(finding.name for finding in mine):
        times = [finding.recover_s or 0.0 for finding in mine if finding.name == name]
        yield Figure("as before after, s", LARGER, name, main=False), sum(times) / len(times)


def _of_bursts(result: Result, arm: Arm, _: list[Trial]) -> Figures:
    """Yield how much of a burst was answered in time, and when all of it was visible."""
    for finding in result.bursts:
        if finding.arm == arm.name and finding.answer and finding.burst is not None and finding.burst.offered:
            cell = f"{finding.burst_per_s:,.0f}/s after {finding.base_per_s:,.0f}/s"
            yield Figure("of the burst in time, %", SMALLER, cell), 100 * finding.burst.in_time / finding.burst.offered
            if finding.all_visible_s:
                yield Figure("burst visible after, s", LARGER, cell, main=False), finding.all_visible_s


def _of_live_figures(result: Result, arm: Arm, _: list[Trial]) -> Figures:
    """Yield how far behind published figures were, at the most."""
    for finding in result.live_analytics:
        most_ms = finding.behind_ms.max
        if finding.arm == arm.name and most_ms is not None and finding.outcome is Outcome.PASS:
            cell = f"{result.options.get('rate_per_s', 0.0):,.0f}/s"
            yield Figure("behind at most, ms", LARGER, cell), most_ms


def _of_fleet(result: Result, arm: Arm, _: list[Trial]) -> Figures:
    """Yield what a trial asked the database a minute, and how long it took to pick a user."""
    for finding in result.fleet.trials if result.fleet is not None else []:
        if finding.arm == arm.name and finding.outcome is Outcome.PASS:
            cell = f"{finding.rows:,} rows"
            asked = finding.pick_queries_per_min + finding.load_queries_per_min + (finding.api_queries_per_min or 0.0)
            yield Figure("statements a minute", LARGER, cell), asked
            if finding.pick_ms.p50:
                yield Figure("a pick p50, ms", LARGER, cell, main=False), finding.pick_ms.p50


def _of_feeds(result: Result, arm: Arm, _: list[Trial]) -> Figures:
    """Yield how long records took from when they were due until they arrived at subscribers."""
    for finding in result.live:
        if finding.arm == arm.name and finding.outcome is Outcome.PASS and finding.arrival_ms.p95:
            cell = f"{finding.subscribers:,} subscribers, {finding.offered_per_s:,.0f}/s"
            yield Figure("arrived p95, ms", LARGER, cell), finding.arrival_ms.p95


def _of_fanout(result: Result, arm: Arm, _: list[Trial]) -> Figures:
    """Yield what the storing group kept of its throughput beside others."""
    for finding in result.fanout:
        if finding.arm == arm.name and finding.what == PLAIN and finding.outcome is Outcome.PASS:
            cell = f"{finding.count} groups"
            if finding.store_kept is not None:
                yield Figure("storing kept, %", SMALLER, cell), 100 * finding.store_kept
            if finding.store_kept_per_cpu_s is not None:
                yield Figure("kept for its CPU, %", SMALLER, cell), 100 * finding.store_kept_per_cpu_s


def _of_imports(result: Result, arm: Arm, _: list[Trial]) -> Figures:
    """Yield how fast a CSV file got into the table, and its share of what the database's own loader takes."""
    for finding in result.csv:
        if finding.arm == arm.name and finding.outcome is Outcome.PASS and finding.rows_per_s is not None:
            cell = f"{finding.good:,} rows"
            yield Figure("imported, rows/s", SMALLER, cell), finding.rows_per_s
            if finding.share_of_loader is not None:
                yield Figure("of the loader, %", SMALLER, cell), 100 * finding.share_of_loader


def _of_reviews(result: Result, arm: Arm, _: list[Trial]) -> Figures:
    """Yield how many reviews a second were judged, how late, and how many each call was about."""
    for finding in result.reviews:
        if finding.arm == arm.name and finding.outcome is Outcome.PASS:
            cell = f"{finding.reviews:,} reviews"
            if finding.reviews_per_s is not None:
                yield Figure("judged, reviews/s", SMALLER, cell), finding.reviews_per_s
            if finding.delay_ms.p95 is not None:
                yield Figure("judged p95, ms", LARGER, cell), finding.delay_ms.p95
            if finding.calls:
                yield Figure("reviews a call", SMALLER, cell), finding.judged / finding.calls


def _of_spark(result: Result, arm: Arm, _: list[Trial]) -> Figures:
    """Yield how late a Spark job's features were, how long what came at once took, and what state it kept."""
    for finding in result.spark:
        if finding.arm == arm.name and finding.outcome is Outcome.PASS:
            cell = f"{finding.reviews:,} reviews"
            if finding.delay_ms.p95 is not None:
                yield Figure("features p95, ms", LARGER, cell), finding.delay_ms.p95
            if finding.burst_s is not None:
                yield Figure("features at once, s", LARGER, cell), finding.burst_s
            yield Figure("state, kB", LARGER, cell), finding.state_bytes / 1e3


def _of_scaling(result: Result, _arm: Arm, _: list[Trial]) -> Figures:
    """Yield what one process would carry with a core of its own."""
    for finding in result.scaling:
        if finding.gamma is not None:
            yield Figure("one with a core, /s", SMALLER), finding.gamma.value


def _of_elasticity(result: Result, _arm: Arm, _: list[Trial]) -> Figures:
    """Yield how long times were out of their limits after a step, on the average of those that asked for it."""
    for finding in result.elasticity:
        times = [step.back_s for step in finding.steps if step.asked and step.back_s is not None]
        if times:
            yield Figure("times back after a step, s", LARGER), sum(times) / len(times)


_FIGURES: tuple[Callable[[Result, Arm, list[Trial]], Figures], ...] = (
    _of_loads, _of_equal_data, _of_capacity, _of_soak, _of_faults, _of_bursts, _of_live_figures, _of_fleet,
    _of_feeds, _of_fanout, _of_scaling, _of_elasticity, _of_imports, _of_reviews, _of_spark,
)  # fmt: skip
