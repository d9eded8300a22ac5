"""A result in Markdown, short enough for the summary of a build or a comment on a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seawall.report.advice_words import advice_markdown
from seawall.report.answer import answer_of
from seawall.report.burst_words import burst_figures
from seawall.report.burst_words import stage_figures as burst_stage_figures
from seawall.report.figure_table import markdown_table
from seawall.report.figures import NOTHING, figure
from seawall.report.markdown import table, text
from seawall.report.page.rows import (
    arm_row,
    arms_caption,
    fault_row,
    has_load,
    knee_row,
    stage_row,
    target_row,
)
from seawall.report.scenarios import scenario_tables
from seawall.report.shape_words import is_profiled, stage_figures, verdict_word
from seawall.result import ArmComparison, Outcome, Result

_SAYS = {"larger": "more", "smaller": "less", "equivalent": "the same within 5 %"}


def summary_markdown(result: Result) -> str:
    """Return the answer, the figures and verdict of each path, what did not pass and why, and the doubts."""
    answer = answer_of(result)
    parts = [
        f"### Seawall {text(result.experiment)}, {result.outcome}: {text(answer.word)}",
        f"{text(answer.question)} {text(answer.sentence)}",
        *(text(line) for line in answer.from_which_load),
        *_tables(result),
        "\n".join(f"- {text(line)}" for line in answer.doubts),
        advice_markdown(result),
        _origin(result),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def difference_markdown(
    rows: Sequence[ArmComparison], worse: Sequence[ArmComparison], base: str, differing: Sequence[str] = ()
) -> str:
    """Return what changed since the run *base*: whether anything got *worse*, then a row a figure.

    *differing* is what else is not the same in both runs.
    """
    if worse:
        said = f"Worse than {text(base)}: {len(worse)} figure{'s' * (len(worse) != 1)}"
    elif all(row.ci_low is None for row in rows):
        said = f"Against {text(base)} nothing can be told: too few trials"
    else:
        said = f"Against {text(base)} nothing got worse by more than 5 %"
    names = ("path", "of", "figure", "says", "times as much", "95 % interval", "trials")
    lines = table(names, [_difference_row(row, worse=row in worse) for row in rows], left=4)
    return (
        f"### {said}\n" + "".join(f"\n- differs: {text(line)}" for line in differing) + "\n" * bool(differing) + lines
    )


def _tables(result: Result) -> Iterator[str]:
    scenario = scenario_tables(result)
    shown = [] if result.stages or result.capacity or result.faults or result.bursts or scenario else result.arms
    arms = [arm_row(result, arm.name) for arm in shown if has_load(result, arm.name)]
    keys: tuple[str, ...]
    names: tuple[str, ...]
    if arms:
        keys = ("p95", "p95_interval", "visible", "achieved", "failed", "lost", "cost")
        names = ("path", "verdict", "p95, ms", "95 % interval", "visible p95, ms", "achieved, /s", "failed", "lost",
                 "CPU s per 1,000 rows")  # fmt: skip
        yield table(names, [(row["name"], row["outcome"] or "", *(row[key] for key in keys)) for row in arms], left=2)
        yield text(arms_caption(result))
    if is_profiled(result):
        lines = [(stage.stage, verdict_word(stage), *stage_figures(stage)) for stage in result.stages]
        names = ("stage", "verdict", "rate, /s", "for, s", "planned", "sent", "not sent", "achieved, /s", "p50, ms",
                 "p95, ms", "p99, ms")  # fmt: skip
        yield table(names, lines, left=2)
    elif result.stages:
        rows = [stage_row(result, stage) for stage in result.stages]
        keys = ("users", "achieved", "p95", "visible", "bottleneck")
        yield table(
            ("path", "stage, /s", "verdict", "users", "visible, /s", "p95, ms", "visible p95, ms", "bottleneck"),
            [(row["arm"], row["name"], row["outcome"] or "", *(row[key] for key in keys)) for row in rows], left=3,
        )  # fmt: skip
    if result.capacity:
        rows = [knee_row(result, finding) for finding in result.capacity]
        keys = ("name", "why", "last_pass", "first_fail")
        names = ("path", "why no more", "last pass, /s", "first fail, /s")
        yield table(names, [[row[key] for key in keys] for row in rows], left=2)
    if result.faults:
        rows = [fault_row(finding) for finding in result.faults]
        keys = ("recovered", "failed", "lost", "doubled", "remarks")
        names = ("fault", "verdict", "as before, s", "failed", "lost", "doubled", "remarks")
        yield table(names, [(row["name"], row["outcome"] or "", *(row[key] for key in keys)) for row in rows], left=2)
    if result.bursts:
        yield _burst_table(result)
    yield from map(markdown_table, scenario)
    missed = [target_row(row) for row in result.targets if row.outcome is not Outcome.PASS]
    if missed and (not result.stages or is_profiled(result)):
        keys = ("limit", "measured", "interval", "reason")
        names = ("path", "target", "verdict", "limit", "measured", "95 % interval", "why")
        rows_of = [(row["arm"], row["name"], row["outcome"] or "", *(row[key] for key in keys)) for row in missed]
        yield table(names, rows_of, left=3)
    elif result.targets and not missed:
        yield f"All {len(result.targets)} targets hold."


def _burst_table(result: Result) -> str:
    of_burst, after = ("offered", "in_time", "late", "refused"), ("lag", "all_visible", "recovered", "lost", "remarks")
    names = ("path", "verdict", "offered in the burst", "in time", "late", "refused", "highest lag",
             "all visible, s after", "as before, s after", "lost", "answer")  # fmt: skip
    rows = []
    for finding in result.bursts:
        counts = {} if finding.burst is None else burst_stage_figures(finding.burst)
        figures = burst_figures(finding)
        cells = [*(counts.get(key, NOTHING) for key in of_burst), *(figures[key] for key in after)]
        rows.append((finding.arm, finding.outcome, *cells))
    return table(names, rows, left=2)


def _difference_row(row: ArmComparison, *, worse: bool) -> tuple[object, ...]:
    cell = f"{row.count:,} {row.entity}" if row.count else f"load, {row.entity}"
    interval = f"{figure(row.ci_low)} to {figure(row.ci_high)}" if row.ci_low is not None else "-"
    says = "WORSE" if worse else _SAYS.get(row.says, row.says)
    return row.arm, cell, row.metric, says, figure(row.ratio), interval, row.trials


def _origin(result: Result) -> str:
    machine = f"{result.environment.get('cores', '?')} cores, {result.environment.get('cpu', 'unknown processor')}"
    commit = result.environment.get("commit", "unknown")
    return text(f"{result.started_at} to {result.finished_at}, commit {commit}, {machine}.")
