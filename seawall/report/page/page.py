"""Puts a result and its material into the page; what users can put into names and errors is escaped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from seawall.report.answer import FAULT, PLAIN, SOAK, answer_of, loads
from seawall.report.burst_words import burst_figures
from seawall.report.burst_words import stage_figures as burst_stage_figures
from seawall.report.capacity_words import name_of, why_no_more
from seawall.report.effect_tables import effect_rows
from seawall.report.elasticity_words import step_row
from seawall.report.figures import NOTHING, figure, target_figures
from seawall.report.page.chart import swatch
from seawall.report.page.picture_choice import pictures_of
from seawall.report.page.pictures import Material, cost_rows, kind_of, mark_of
from seawall.report.shape_words import is_designed, is_over_loads, is_profiled, stage_figures, verdict_word
from seawall.report.soak_rows import slope_row
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
from seawall.result.agreement import AGREEMENT
from seawall.result.bursts import INGEST

_HERE = Path(__file__).parent
_AUDIT = (
    "attempted", "acknowledged", "stored", "dead_lettered", "pending", "lost", "phantom", "duplicates", "corrupted",
    "unknown", "log_duplicates",
)  # fmt: skip
_METRICS = {
    "duration_s": "time until all are visible",
    "achieved_per_s": "records per second",
    "response_p95_ms": "response p95",
    "visible_p95_ms": "visible p95",
    "cpu_s_per_1000_rows": "CPU per 1,000 rows",
}

_WITHOUT_A_CLUSTER = (
    "The controllers of a cluster themselves, and what feeds them: their formulas and numbers decided here.",
    "Pods that have to be scheduled and their images pulled before they start.",
    "A network between load, service and servers, and more than one machine.",
)
_STEPS = {"held": Outcome.PASS, "broke": Outcome.FAIL, "untold": Outcome.INVALID}
"""The colours of what became of a load."""


def render(result: Result, material: Material) -> str:
    """Return the whole page."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.get_template("report.html.j2")
    return template.render(
        result=result,
        style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        answer=answer_of(result),
        chip=chip,
        arms=[]
        if result.experiment in (*PLAIN, FAULT, INGEST) or result.stages or result.capacity or result.elasticity
        else [arm_row(result, arm.name) for arm in result.arms if has_load(result, arm.name)],
        endpoints=[] if result.stages else [_endpoint_row(row) for trial in result.trials for row in trial.endpoints],
        stages=[] if is_profiled(result) else [stage_row(result, stage) for stage in result.stages],
        moving=[shape_row(stage) for stage in result.stages] if is_profiled(result) else [],
        knees=[knee_row(result, finding) for finding in result.capacity],
        steps=[row for finding in result.capacity for row in _step_rows(result, finding)],
        arms_caption=arms_caption(result),
        scaled=[
            elasticity_row(finding, number) for finding in result.elasticity for number in range(len(finding.steps))
        ],
        faults=[fault_row(finding) for finding in result.faults],
        bursts=[{"name": one.arm, "outcome": one.outcome, **burst_figures(one)} for one in result.bursts],
        burst_stages=[burst_stage_row(finding, stage) for finding in result.bursts for stage in finding.stages],
        controls=[_control_row(row) for row in result.controls],
        slopes=[(slope_row(slope), slope.outcome) for slope in result.slopes],
        pictures=list(pictures_of(result, material)),
        legend=[] if is_designed(result) else [_legend(result, arm.name) for arm in result.arms],
        effects=list(effect_rows(result)),
        raw=bool(is_over_loads(result) or material or result.stages)
        or result.experiment == SOAK
        or not any(trial.kind == "load" for trial in result.trials),
        costs=[] if result.elasticity or is_designed(result) else list(_costs(result)),
        targets=[target_row(row) for row in result.targets],
        comparisons=list(_comparison_rows(result)),
        audit_names=[name.replace("_", " ") for name in _AUDIT],
        audit=list(_audit_rows(result)),
        examples=[(t.name, kind, ", ".join(ids)) for t in result.trials for kind, ids in t.examples.items()],
        trials=[_trial_row(trial) for trial in result.trials],
        not_measured=[] if result.controls else list(_not_measured(result)),
        environment=list(_environment_rows(result)),
    )


def chip(outcome: Outcome | None) -> Markup:
    """Return an outcome as a coloured word."""
    return Markup('<span class="chip {0}">{0}</span>').format(outcome.value) if outcome else Markup(NOTHING)  # noqa: S704


def _legend(result: Result, arm: str) -> tuple[str, str, Markup]:
    kind = kind_of(result, arm)
    name = f"{arm} ({result.arm(arm).durability})"
    return kind, name, Markup(swatch(kind, mark_of(result, arm)))  # noqa: S704 - made of our own constants


def has_load(result: Result, arm: str) -> bool:
    """Tell whether the arm was loaded and judged, validly or not."""
    return any(trial.arm == arm and trial.kind == "load" for trial in result.trials) and not result.controls


def _control_row(row: ControlFinding) -> dict[str, Any]:
    caught = {Outcome.PASS: "yes", Outcome.FAIL: "NO"}.get(row.outcome, "did not bite")
    return {
        "name": row.name, "planted": row.planted, "expected": row.expected, "found": row.found,
        "outcome": row.outcome, "caught": caught,
    }  # fmt: skip


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


def _step_rows(result: Result, finding: CapacityFinding) -> Iterator[dict[str, Any]]:
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


def _endpoint_row(row: EndpointFigures) -> dict[str, Any]:
    times = row.response_ms
    known = times.p95_low is not None and times.p95_high is not None
    return {
        "name": row.name, "scope": row.scope, "requests": f"{row.requests:,}",
        "failed": f"{row.failed / row.requests:.2%}", "p50": figure(times.p50), "p95": figure(times.p95),
        "interval": f"{figure(times.p95_low)} to {figure(times.p95_high)}" if known else "", "p99": figure(times.p99),
    }  # fmt: skip


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


def _costs(result: Result) -> Iterator[tuple[str, list[tuple[str, str, str, str]]]]:
    rows = cost_rows(result)
    most = max((seconds for _, spent in rows for _, seconds in spent), default=0.0) or 1.0
    for arm, spent in rows:
        kind = kind_of(result, arm)
        yield arm, [(name, figure(s), f"{100 * s / most:.1f}", kind) for name, s in spent if s >= 0.0005]  # noqa: PLR2004


def target_row(row: JudgedTarget) -> dict[str, Any]:
    """Return a target with its figure, its interval and why it came out so."""
    measured, interval = target_figures(row)
    return {
        "arm": row.arm, "name": row.name, "limit": row.limit, "outcome": row.outcome, "reason": row.reason,
        "measured": measured, "interval": interval,
    }  # fmt: skip


def _comparison_rows(result: Result) -> Iterator[dict[str, Any]]:
    for row in result.comparisons:
        cell = f"{row.count:,} {row.entity}" if row.count else f"load, {row.entity}"
        interval = f"{figure(row.ci_low)} to {figure(row.ci_high)}" if row.ci_low is not None else NOTHING
        yield {
            "metric": _METRICS.get(row.metric, row.metric), "cell": cell, "load": row.kind == "load",
            "base": row.base, "arm": row.arm,
            "ratio": figure(row.ratio), "interval": interval, "trials": row.trials, "says": row.says,
            "unequal": getattr(row, "unequal", ""),
        }  # fmt: skip


def _audit_rows(result: Result) -> Iterator[tuple[str, list[str]]]:
    for arm in result.arms:
        if not any(t.audited for t in result.trials if t.arm == arm.name):
            continue
        counts = sum((t.audit for t in result.trials if t.arm == arm.name), start=AuditCounts())
        yield arm.name, [f"{getattr(counts, name):,}" for name in _AUDIT]


def _trial_row(trial: Trial) -> dict[str, Any]:
    return {
        "name": trial.name, "outcome": trial.outcome, "requests": f"{trial.requests:,}", "failed": f"{trial.failed:,}",
        "achieved": figure(trial.achieved_per_s), "p50": figure(trial.response_ms.p50),
        "p95": figure(trial.response_ms.p95), "p99": figure(trial.response_ms.p99),
        "visible": figure(trial.visible_ms.p95), "lag": figure(trial.generator_lag_ms.p99),
        "loop": figure(trial.instrument.loop_lag_p99_ms), "cpu": f"{trial.instrument.cpu_share:.0%}",
        "drain": figure(trial.drain_s), "remarks": "; ".join(trial.reasons),
    }  # fmt: skip


_NEVER_MEASURED = {
    FAULT: (
        "What a power failure leaves: a process that is killed leaves its writes in the page cache.",
        "Machines that fail: all servers share one, its disk and its kernel.",
        "Other loads than this one, and other paths.",
    ),
    INGEST: (
        "Other rates, and longer or shorter bursts: `bin/seawall capacity --bursts` searches for the highest.",
        "How much bursts differ: there was one a path.",
        "A service that grows with its load, and more machines than this one.",
        "Faults: what happens when a server dies or stalls meanwhile.",
    ),
    SOAK: (
        "Other loads than this one, and other paths.",
        "Faults, and a load that changes: what leaks only then does not show here.",
        "The short gaps between segments, in which no load runs: the log drains, and the audit reads.",
    ),
    "scale": (
        "What these processes carry on machines of their own: that is projected.",
        "How much the servers behind them carry, and the network between them.",
        "Numbers of processes beyond those above.",
    ),
    **dict.fromkeys(
        PLAIN,
        (
            "Other rates than the one above: where the service's limit lies.",
            "What the service's own machines did meanwhile.",
            "The same load again: one run does not tell how much runs differ.",
        ),
    ),
    AGREEMENT: (
        "Other loads than this one, and what either tool does at its own limit.",
        "Whether both are right: a server of known times tells that, see `bin/seawall bench latency`.",
    ),
}
"""What an experiment leaves open, whatever it found."""


def _not_measured(result: Result) -> Iterator[str]:
    if result.experiment in PLAIN and result.not_judged:
        yield f"What needs a look into the database: {', '.join(result.not_judged)}."
    if result.elasticity:
        yield from _WITHOUT_A_CLUSTER
        return
    if result.experiment in _NEVER_MEASURED:
        yield from _NEVER_MEASURED[result.experiment]
        return
    tested = {arm.path for arm in result.arms}
    missing = [path for path in ("sync", "grouped", "kafka") if path not in tested]
    if missing:
        yield f"The write paths {', '.join(missing)}."
    if not any(trial.kind == "load" for trial in result.trials):
        yield "Any load: users on a schedule, and so no target."
    if not any(trial.kind == "data" for trial in result.trials):
        yield "Equal numbers of records sent at once."
    if not (result.stages or result.capacity):
        yield "Other rates than the one above: where a path's limit lies, and from which rate on the answer turns."
    yield "A network between load, service and servers, and more than one machine."
    yield "Faults: what happens when a server dies or stalls."
    judged = {row.metric for row in result.targets}
    if "availability" not in judged:
        yield "Availability, users and writes a second as targets: a run that is meant to attain them judges them."


def _environment_rows(result: Result) -> Iterator[tuple[str, str]]:
    for name, value in result.environment.items():
        yield name.replace("_", " "), _text(value)
    for arm in result.arms:
        for server, settings in arm.settings.items():
            yield f"{arm.name}: {server}", _text(settings)
    yield "options", _text(result.options)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name} = {_text(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _interval(row: JudgedTarget | None) -> str:
    if row is None or row.ci_low is None or row.ci_high is None:
        return ""
    if not row.measured or row.ci_high > _FAR * row.measured:
        return "wide: its trials disagree"
    return f"{figure(row.ci_low)} to {figure(row.ci_high)}"


_FAR = 100
"""An interval that ends so many times beyond its figure says no more than that."""
