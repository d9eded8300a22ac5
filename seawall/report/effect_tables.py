"""What the knobs of a plan did, in tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from seawall.report.figures import NOTHING, figure
from seawall.report.table_styles import styled_table
from seawall.result import EffectFinding, Outcome, Result

METRICS = {
    "response_p95_ms": "response p95",
    "visible_p95_ms": "visible p95",
    "achieved_per_s": "records per second",
    "cpu_s_per_1000_rows": "CPU per 1,000 rows",
}
"""Those of every plan."""
_NAMES = {
    **METRICS,
    "left_bytes_per_record": "bytes left on disk for each record",
    "longest_stop_ms": "longest stop of a partition",
}
ALIASED = "aliased with"


def metric_name(metric: str) -> str:
    """Return what a figure is called."""
    return _NAMES.get(metric, metric)


def effect_name(finding: EffectFinding) -> str:
    """Return the knob, or both that interact."""
    return " x ".join(finding.factors)


def alias_words(finding: EffectFinding) -> str:
    """Say which interactions the design cannot tell from the effect; empty where there are none."""
    said = []
    if finding.aliases:
        said.append(f"{ALIASED} {', '.join(' x '.join(pair) for pair in finding.aliases)}")
    if finding.partly:
        said.append(f"holds parts of {len(finding.partly)} interactions")
    return "; ".join(said)


def effect_tables(result: Result, style: str) -> Iterator[Table]:
    """Yield a table for each metric: every effect with its interval, and what it cannot be told from."""
    for metric, rows in effect_rows(result):
        table = styled_table(f"Effects on {metric}", style)
        for name in ("effect", "levels", "ratio", "95 % interval", "by chance", "says", "not to be told from"):
            table.add_column(name, justify="right" if name in ("ratio", "95 % interval", "by chance") else "left")
        for _, row in rows:
            table.add_row(*row)
        yield table


def cell_table(result: Result, style: str) -> Table:
    """Return the cells: which level each factor has in it, and how many of its trials came out clean."""
    table = styled_table("The cells of the plan", style)
    for name in ("cell", *(result.cells[0].levels if result.cells else ()), "clean trials"):
        table.add_column(name)
    for cell in result.cells:
        trials = [trial for trial in result.trials if trial.arm == cell.arm]
        clean = sum(trial.outcome is Outcome.PASS for trial in trials)
        table.add_row(cell.arm, *cell.levels.values(), f"{clean} of {len(trials)}")
    return table


def effect_cells(row: EffectFinding) -> tuple[str, ...]:
    """Return an effect as the texts of a row."""
    known = row.ci_low is not None and row.ci_high is not None
    return (
        effect_name(row),
        ", ".join(row.levels) if len(row.levels) == 1 else "",
        figure(row.ratio),
        f"{figure(row.ci_low)} to {figure(row.ci_high)}" if known else NOTHING,
        NOTHING if row.chance is None else f"{row.chance:.1%}",
        row.says,
        alias_words(row),
    )


def effect_rows(result: Result) -> Iterator[tuple[str, list[tuple[int, tuple[str, ...]]]]]:
    """Yield each metric with its effects as texts, numbered from 1."""
    for metric in dict.fromkeys(row.metric for row in result.effects):
        rows = [effect_cells(row) for row in result.effects if row.metric == metric]
        yield metric_name(metric), list(enumerate(rows, 1))


def effect_sentences(result: Result) -> Iterator[tuple[bool, str]]:
    """Yield, for each metric, whether something was shown and what in a sentence."""
    for metric in dict.fromkeys(row.metric for row in result.effects):
        rows = [row for row in result.effects if row.metric == metric]
        shown = [row for row in rows if row.significant]
        name = metric_name(metric)
        if not shown:
            yield False, f"{name}: {rows[0].says if rows[0].ratio is None else 'no effect shown'}"
        for row in shown:
            yield True, f"{name}: {_sentence(row)}"


def _sentence(row: EffectFinding) -> str:
    interval = f"{figure(row.ratio)} ({figure(row.ci_low)} to {figure(row.ci_high)})"
    if len(row.factors) == 1:
        said = f"{row.factors[0]} from {row.levels[0]} makes it {interval} times as large"
    else:
        one, other = row.factors
        said = (
            f"what {one} ({row.levels[0]}) does is {interval} times as large where {other} has the second of"
            f" {row.levels[1]}"
        )
    aliases = alias_words(row)
    return f"{said}; {aliases}" if aliases else said
