"""A run that goes on, or has just been judged, as the rows of one table: verdict, targets, instrument, audit."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.load.standing import Row
from seawall.report.figures import figure, target_figures
from seawall.report.shape_words import is_profiled, stage_figures
from seawall.result import Result, Trial


def standing_rows(result: Result, *, verdict: str, why: str = "") -> list[Row]:
    """Return the rows of *result*; *verdict* names the first of them, such as "verdict so far"."""
    trial = result.trials[0]
    reasons = [*trial.reasons, *result.reasons]
    first = Row(what=verdict, verdict=str(result.outcome), why="; ".join([*([why] if why else []), *reasons]))
    return [first, *_stages(result), *_targets(result), *_load(trial), *_instrument(trial), *_audit(result, trial)]


def _stages(result: Result) -> Iterator[Row]:
    if not is_profiled(result):
        return
    for stage in result.stages:
        rate, length, planned, sent, unsent, achieved, _, p95, _ = stage_figures(stage)
        yield Row(
            what=f"stage {stage.stage}: {rate} a second for {length} s",
            measured=achieved,
            verdict=str(stage.outcome) if stage.outcome else "",
            why=f"planned {planned}, sent {sent}, not sent {unsent}; p95 {p95} ms",
        )


def _targets(result: Result) -> Iterator[Row]:
    for row in result.targets:
        measured, interval = target_figures(row)
        scope = f"{row.name} ({row.scope})"
        yield Row(
            what=scope, measured=measured, interval=interval, limit=row.limit, verdict=str(row.outcome), why=row.reason
        )
    for name in result.not_judged:
        yield Row(what=name, why="judged with the audit, at the end")


def _load(trial: Trial) -> Iterator[Row]:
    offered = "" if trial.offered_per_s is None else f"offered {figure(trial.offered_per_s)}"
    yield Row(what="load: requests a second that succeeded", measured=figure(trial.achieved_per_s), why=offered)
    yield Row(
        what="load: requests judged",
        measured=f"{trial.requests:,}",
        why=f"{trial.failed:,} failed, {trial.unsent:,} were due and not sent, over {trial.duration_s:,.0f} s",
    )


def _instrument(trial: Trial) -> Iterator[Row]:
    health = trial.instrument
    yield Row(what="instrument: start lag p99, ms", measured=figure(trial.generator_lag_ms.p99))
    yield Row(
        what="instrument: event loop's lag p99, ms",
        measured=figure(health.loop_lag_p99_ms),
        why=f"at most {figure(health.loop_lag_max_ms)} ms; {health.gc_pauses} pauses for garbage",
    )
    yield Row(what="instrument: share of a core", measured=f"{health.cpu_share:.0%}")


def _audit(result: Result, trial: Trial) -> Iterator[Row]:
    if not trial.audited:
        yield Row(what="audit", why=result.audit)
        return
    counts = trial.audit
    found = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.violations.items())
    yield Row(
        what="audit: records stored",
        measured=f"{counts.stored:,}",
        verdict="PASS" if counts.clean else "FAIL",
        why=f"{counts.acknowledged:,} acknowledged, {counts.unknown:,} unknown; {found or 'nothing lost or doubled'}",
    )
