"""What each path did with a burst, in words, and what the log gave and cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seawall.report.figures import figure
from seawall.result import BurstFinding, BurstStage, Outcome, Result
from seawall.result.bursts import INGEST

_THROUGH_THE_LOG = "kafka"


def is_ingest(result: Result) -> bool:
    """Tell whether *result* is of bursts."""
    return result.experiment == INGEST


def _question(result: Result) -> str:
    """Return what is asked."""
    options = result.options
    times, length_s = options.get("factor", 0.0), options.get("burst_s", 0.0)
    rate = options.get("rate_per_s", 0.0)
    return f"Who absorbs {times * rate:,.0f} writes a second for {length_s:g} s, after {rate:,.0f} a second?"


def burst_answer(result: Result) -> tuple[str, str, str, list[str], list[str]]:
    """Return the question, the answer in a word or two, what bears it out, what the log gave and cost, and doubts."""
    told = [finding for finding in result.bursts if finding.answer]
    doubts = [f"{reason.rstrip('.')}." for reason in result.reasons]
    if not result.bursts:
        return _question(result), "Nothing was measured", "The run ended before its first burst did.", [], doubts
    said = "; ".join(f"{finding.arm}: {finding.answer or 'not told'}" for finding in result.bursts)
    return _question(result), _word(result, told), f"{said}.", list(_gain_and_cost(result, told)), doubts


def _word(result: Result, told: Sequence[BurstFinding]) -> str:
    if result.outcome is Outcome.FAIL:
        return "Not all that was acknowledged is there"
    if not told:
        return "This run does not tell"
    absorbed = [finding.arm for finding in told if _absorbed(finding)]
    of_whom = f", of {len(told)} paths that tell" if len(told) < len(result.arms) else ""
    return f"{f'Absorbed by {_and(absorbed)}' if absorbed else 'Absorbed by none'}{of_whom}"


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _absorbed(finding: BurstFinding) -> bool:
    return finding.burst is not None and finding.burst.outcome is Outcome.PASS


def _gain_and_cost(result: Result, told: Sequence[BurstFinding]) -> Iterator[str]:
    """Say what the log gave and what it cost, beside each path that goes without; nothing where one is missing."""
    log = next((finding for finding in told if finding.path == _THROUGH_THE_LOG), None)
    others = [finding for finding in told if finding.path != _THROUGH_THE_LOG]
    if log is None or log.burst is None or not others:
        return
    served = [f"{one.arm} {one.burst.in_time:,}" for one in others if one.burst is not None]
    yield (
        f"What the log gave: of the burst's {log.burst.offered:,} writes {log.arm} answered {log.burst.in_time:,} in"
        f" time, {', '.join(served)}."
    )
    when = "never all of it" if log.all_visible_s is None else f"{log.all_visible_s:.1f} s after its end"
    costs = {finding.arm: cost for finding in (log, *others) if (cost := _cost(result, finding)) is not None}
    cpu = ""
    if log.arm in costs and len(costs) > 1:
        beside = ", ".join(f"{arm} {figure(cost)}" for arm, cost in costs.items() if arm != log.arm)
        cpu = f" Processor seconds for 1,000 rows: {log.arm} {figure(costs[log.arm])}, {beside}."
    yield (
        f"What it cost: an answer comes before the row. Up to {log.lag_highest:,} records were accepted and not yet"
        f" visible, and the burst was visible {when}; without the log a row is visible with its answer.{cpu}"
    )


def _cost(result: Result, finding: BurstFinding) -> float | None:
    return next((trial.cpu_s_per_1000_rows for trial in result.trials if trial.name == finding.trial), None)


def in_words(finding: BurstFinding) -> str:
    """Return in a line what a path did with its burst."""
    if not finding.answer:
        return "; ".join(finding.reasons)
    visible = "" if finding.all_visible_s is None else f", all visible {finding.all_visible_s:.1f} s after its end"
    back = "" if finding.recover_s is None else f", as before {finding.recover_s:.1f} s after it"
    why = f": {'; '.join(finding.reasons)}" if finding.reasons else ""
    return f"{finding.answer}{visible}{back}, {finding.lost:,} lost, {finding.doubled:,} doubled{why}"


def burst_figures(finding: BurstFinding) -> dict[str, str]:
    """Return what followed a burst as texts, by the names of the tables' columns."""
    return {
        "refused_p50": figure(finding.refused_p50_ms),
        "lag": f"{finding.lag_highest:,}",
        "all_visible": figure(finding.all_visible_s),
        "recovered": figure(finding.recover_s),
        "lost": f"{finding.lost:,}",
        "doubled": f"{finding.doubled:,}",
        "remarks": "; ".join(filter(None, (finding.answer, *finding.reasons))),
    }


def stage_figures(stage: BurstStage) -> dict[str, str]:
    """Return what became of the requests of one stage as texts, by the names of the tables' columns."""
    counts = ("offered", "in_time", "late", "refused", "failed", "unsent")
    return {
        "rate": figure(stage.rate_per_s),
        **{name: f"{getattr(stage, name):,}" for name in counts},
        "p95": figure(stage.response_ms.p95),
        "visible_late": f"{stage.visible_late:,}",
        "visible": figure(stage.visible_ms.p95),
    }
