"""The rows of the page's tables: figures as texts, by the names of the columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seawall.report.burst_words import stage_figures as burst_stage_figures
from seawall.report.capacity_words import name_of, why_no_more
from seawall.report.comparison_words import loads
from seawall.report.elasticity_words import step_row
from seawall.report.figures import NOTHING, figure, target_figures
from seawall.report.shape_words import stage_figures, verdict_word
from seawall.result import (
    AuditCounts,
    BurstFinding,
    BurstStage,
    CapacityFinding,
    ControlFinding,
    ElasticityFinding,
    EndpointFigures,
    FaultFinding,
    JudgedTarget,
    Outcome,
    Result,
    StageFinding,
    Trial,
)

AUDIT_COUNTS = (
    "attempted", "acknowledged", "stored", "dead_lettered", "pending", "lost", "phantom", "duplicates", "corrupted",
    "unknown", "log_duplicates",
)  # fmt: skip


_METRICS = {
    "duration_s": "time until all are visible",
    "achieved_per_s": "records per second",
    "response_p95_ms": "response p95",
    "visible_p95_ms": "visible p95",
    "cpu_s_per_1000_rows": "CPU per 1,000 rows",
    "left_bytes_per_record": "bytes left on disk for each record",
    "longest_stop_ms": "longest stop of a partition",
}


_STEPS = {"held": Outcome.PASS, "broke": Outcome.FAIL, "untold": Outcome.INVALID}
"""The colours of what became of a load."""


_FAR = 100
"""An interval that ends so many times beyond its figure says no more than that."""


def arms_caption(result: Result) -> str:
    """Say under which load the arms' figures were measured; empty where none was."""
    trial = next((trial for trial in result.trials if trial.kind == "load"), None)
    if trial is None or trial.offered_per_s is None:
        return ""
    if result.scaling:
        return f"the same work each, for {trial.duration_s:g} s a trial; no target was judged"
    counts = {sum(t.arm == arm.name and t.kind == "load" for t in result.trials) for arm in result.arms}
    times = f"{max(counts)} trials a path" if max(counts) > 1 else "one trial a path"
    return (
        f"{trial.offered_per_s:,.0f} writes a second offered by {trial.users:,} users for {trial.duration_s:g} s,"
        f" {times}; below each figure its 95 % interval"
    )


def has_load(result: Result, arm: str) -> bool:
    """Tell whether the arm was loaded and judged, validly or not."""
    return any(trial.arm == arm and trial.kind == "load" for trial in result.trials) and not result.controls


def arm_row(result: Result, name: str) -> dict[str, Any]:
    """Return an arm's figures over its valid load trials, with its verdict."""
    trials = loads(result, name)
    targets = {row.metric: row for row in result.targets if row.arm == name}
    all_of_it = [trial for trial in result.trials if trial.arm == name and trial.kind == "load"]
    asked = sum(trial.requests + trial.unsent for trial in all_of_it)
    failed = sum(trial.failed for trial in all_of_it)
    rates = [trial.achieved_per_s or 0.0 for trial in trials]
    costs = [trial.cpu_s_per_1000_rows for trial in trials if trial.cpu_s_per_1000_rows]
    response, visible = targets.get("response_p95_ms"), targets.get("visible_p95_ms")
    return {
        "name": name,
        "outcome": result.verdicts.get(name),
        "p95": figure(response.measured if response else None),
        "p95_interval": _interval(response),
        "visible": figure(visible.measured if visible else None),
        "visible_interval": _interval(visible),
        "achieved": f"{sum(rates) / len(rates):,.0f}" if rates else NOTHING,
        "failed": f"{failed / asked:.2%}" if asked else NOTHING,
        "lost": f"{sum(trial.audit.lost for trial in result.trials if trial.arm == name):,}",
        "cost": figure(sum(costs) / len(costs) if costs else None),
        "durability": result.arm(name).durability,
    }


def stage_row(result: Result, stage: StageFinding) -> dict[str, Any]:
    """Return a stage with the worst of its trials."""
    trials = [trial for trial in result.trials if trial.name in stage.trials]
    p95, visible, achieved = (
        [figure for figure in figures if figure is not None]
        for figures in (
            [trial.response_ms.p95 for trial in trials],
            [trial.visible_ms.p95 for trial in trials],
            [trial.achieved_per_s for trial in trials],
        )
    )
    return {
        "arm": stage.arm, "name": stage.stage, "outcome": stage.outcome, "users": f"{stage.users:,}",
        "achieved": f"{min(achieved):,.0f}" if achieved else NOTHING, "p95": figure(max(p95, default=None)),
        "visible": figure(max(visible, default=None)), "bottleneck": stage.bottleneck,
    }  # fmt: skip


def shape_row(stage: StageFinding) -> dict[str, Any]:
    """Return a stage of a load that changed."""
    rate, length, planned, sent, unsent, achieved, p50, p95, p99 = stage_figures(stage)
    return {
        "name": stage.stage, "outcome": stage.outcome, "word": verdict_word(stage), "rate": rate, "length": length,
        "planned": planned, "sent": sent, "unsent": unsent, "achieved": achieved, "p50": p50, "p95": p95, "p99": p99,
    }  # fmt: skip


def fault_row(finding: FaultFinding) -> dict[str, Any]:
    """Return what a fault did and what became of everything."""
    return {
        "name": finding.name, "does": finding.does, "outcome": finding.outcome, "seed": finding.seed,
        "noticed": figure(finding.detect_s), "recovered": figure(finding.recover_s), "failed": f"{finding.failed:,}",
        "refused": figure(finding.refused_p50_ms), "lookups": f"{finding.lookups_failed:,} of {finding.lookups:,}",
        "unknown": f"{finding.unknown:,}",
        "absorbed": f"{finding.absorbed:,}", "lost": f"{finding.lost:,}", "doubled": f"{finding.doubled:,}",
        "remarks": "; ".join(finding.reasons) or finding.bit,
    }  # fmt: skip


def elasticity_row(finding: ElasticityFinding, place: int) -> dict[str, Any]:
    """Return a step of scaling and what clients saw of it."""
    step = finding.steps[place]
    at, before, after, there, back, visible = step_row(finding, place)
    return {
        "at": at, "step": f"{before} to {after}", "there": there, "back": back, "visible": visible, "why": step.why,
        "outcome": step.outcome if step.asked else None, "remarks": step.reason,
    }  # fmt: skip


def burst_stage_row(finding: BurstFinding, stage: BurstStage) -> dict[str, Any]:
    """Return what became of the requests before, in or after a burst."""
    return {"arm": finding.arm, "name": stage.name, "outcome": stage.outcome, **burst_stage_figures(stage)}


def knee_row(result: Result, finding: CapacityFinding) -> dict[str, Any]:
    """Return the ends of a search for capacity."""
    return {
        "name": name_of(finding), "last_pass": figure(finding.last_pass_per_s),
        "first_fail": figure(finding.first_fail_per_s), "why": why_no_more(finding),
        "bottleneck": finding.bottleneck, "durability": result.arm(finding.arm).durability,
    }  # fmt: skip


def step_rows(result: Result, finding: CapacityFinding) -> Iterator[dict[str, Any]]:
    """Yield the loads of a search, from the lowest."""
    trials = {trial.name: trial for trial in result.trials}
    for step in sorted(finding.steps, key=lambda step: step.load_per_s):
        trial = trials[step.trial]
        share = f"{step.share_of_knee:.0%} of the knee; " if step.share_of_knee else ""
        yield {
            "name": name_of(finding), "offered": figure(step.load_per_s), "users": f"{trial.users:,}",
            "achieved": figure(trial.achieved_per_s), "p50": figure(trial.response_ms.p50),
            "p95": figure(trial.response_ms.p95), "p99": figure(trial.response_ms.p99),
            "visible": figure(trial.visible_ms.p95), "cost": figure(trial.cpu_s_per_1000_rows),
            "step": step.step, "outcome": _STEPS[step.step], "remarks": (share + step.reason).rstrip("; "),
        }  # fmt: skip


def endpoint_row(row: EndpointFigures) -> dict[str, Any]:
    """Return an endpoint's figures."""
    times = row.response_ms
    known = times.p95_low is not None and times.p95_high is not None
    return {
        "name": row.name, "scope": row.scope, "requests": f"{row.requests:,}",
        "failed": f"{row.failed / row.requests:.2%}", "p50": figure(times.p50), "p95": figure(times.p95),
        "interval": f"{figure(times.p95_low)} to {figure(times.p95_high)}" if known else "", "p99": figure(times.p99),
    }  # fmt: skip


def control_row(row: ControlFinding) -> dict[str, Any]:
    """Return what was planted and whether it was noticed."""
    caught = {Outcome.PASS: "yes", Outcome.FAIL: "NO"}.get(row.outcome, "did not bite")
    return {
        "name": row.name, "planted": row.planted, "expected": row.expected, "found": row.found,
        "outcome": row.outcome, "caught": caught,
    }  # fmt: skip


def target_row(row: JudgedTarget) -> dict[str, Any]:
    """Return a target with its figure, its interval and why it came out so."""
    measured, interval = target_figures(row)
    return {
        "arm": row.arm, "name": row.name, "limit": row.limit, "outcome": row.outcome, "reason": row.reason,
        "measured": measured, "interval": interval,
    }  # fmt: skip


def comparison_rows(result: Result) -> Iterator[dict[str, Any]]:
    """Yield each ratio between two arms."""
    for row in result.comparisons:
        cell = f"{row.count:,} {row.entity}" if row.count else f"load, {row.entity}"
        interval = f"{figure(row.ci_low)} to {figure(row.ci_high)}" if row.ci_low is not None else NOTHING
        yield {
            "metric": _METRICS.get(row.metric, row.metric), "cell": cell, "load": row.kind == "load",
            "base": row.base, "arm": row.arm,
            "ratio": figure(row.ratio), "interval": interval, "trials": row.trials, "says": row.says,
            "unequal": getattr(row, "unequal", ""),
        }  # fmt: skip


def audit_rows(result: Result) -> Iterator[tuple[str, list[str]]]:
    """Yield each audited arm with its counts, in the order of `AUDIT_COUNTS`."""
    for arm in result.arms:
        if not any(t.audited for t in result.trials if t.arm == arm.name):
            continue
        counts = sum((t.audit for t in result.trials if t.arm == arm.name), start=AuditCounts())
        yield arm.name, [f"{getattr(counts, name):,}" for name in AUDIT_COUNTS]


def trial_row(trial: Trial) -> dict[str, Any]:
    """Return a trial's figures."""
    return {
        "name": trial.name, "outcome": trial.outcome, "requests": f"{trial.requests:,}", "failed": f"{trial.failed:,}",
        "achieved": figure(trial.achieved_per_s), "p50": figure(trial.response_ms.p50),
        "p95": figure(trial.response_ms.p95), "p99": figure(trial.response_ms.p99),
        "visible": figure(trial.visible_ms.p95), "lag": figure(trial.generator_lag_ms.p99),
        "loop": figure(trial.instrument.loop_lag_p99_ms), "cpu": f"{trial.instrument.cpu_share:.0%}",
        "drain": figure(trial.drain_s), "remarks": "; ".join(trial.reasons),
    }  # fmt: skip


def _interval(row: JudgedTarget | None) -> str:
    if row is None or row.ci_low is None or row.ci_high is None:
        return ""
    if not row.measured or row.ci_high > _FAR * row.measured:
        return "wide: its trials disagree"
    return f"{figure(row.ci_low)} to {figure(row.ci_high)}"
