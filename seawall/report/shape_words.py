"""The stages of a plain run whose load changed, in words: what each held, came to, and where the service broke."""

from __future__ import annotations

from itertools import pairwise

from seawall.report.burst_words import is_ingest
from seawall.report.figures import NOTHING, figure
from seawall.report.scenarios import scenario_of
from seawall.result import Outcome, Result, StageFinding


def is_profiled(result: Result) -> bool:
    """Tell whether the stages are those of one run whose load changed, and not runs of their own."""
    return any(stage.begins_s is not None for stage in result.stages)


def is_over_loads(result: Result) -> bool:
    """Tell whether trials had loads of their own, faults, bursts or cells: a distribution over them says nothing."""
    own_loads = (result.stages and not is_profiled(result)) or result.capacity or result.elasticity
    return bool(own_loads or result.faults or is_designed(result) or is_ingest(result) or scenario_of(result))


def is_designed(result: Result) -> bool:
    """Tell whether its arms are the many settings of a plan or a search."""
    return bool(result.cells or result.search)


def rate_words(stage: StageFinding) -> str:
    """Return the rate of a stage, such as "300" or "0 to 300"."""
    begin, end = stage.from_per_s or 0.0, stage.to_per_s or 0.0
    return figure(end) if begin == end else f"{figure(begin)} to {figure(end)}"


def verdict_word(stage: StageFinding) -> str:
    """Return what came of a stage in a word."""
    if not stage.judged:
        return "not judged"
    return stage.outcome.value if stage.outcome else "not run to its end"


def stage_figures(stage: StageFinding) -> tuple[str, ...]:
    """Return rate, length, planned, sent, not sent, achieved, p50, p95 and p99 of a stage as texts."""
    times, over = stage.response_ms, bool(stage.trials)
    counts = (NOTHING if count is None else f"{count:,}" for count in (stage.planned, stage.sent, stage.unsent))
    known = (stage.achieved_per_s, times.p50, times.p95, times.p99) if over else (None,) * 4
    return rate_words(stage), figure(stage.duration_s), *counts, *map(figure, known)


def break_words(result: Result) -> str:
    """Say which stage was the last to hold and which the first not to; empty where rates do not rise all the way."""
    judged = [stage for stage in result.stages if stage.judged]
    if (
        not is_profiled(result)
        or len(judged) == 1
        or any(later.load_per_s <= earlier.load_per_s for earlier, later in pairwise(judged))
    ):
        return ""
    first = next((number for number, stage in enumerate(judged) if stage.outcome is not Outcome.PASS), len(judged))
    held = f"held up to {_named(judged[first - 1])}" if first else "no stage held"
    if first == len(judged):
        return f"{held}, which was the last"
    return f"{held}; the first that did not was {_named(judged[first])}: {verdict_word(judged[first])}"


def _named(stage: StageFinding) -> str:
    return f"{stage.stage} ({rate_words(stage)} a second)"
