"""What a search for the best setting found, in a table and sentences."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from seawall.report.effect_tables import METRICS
from seawall.report.figures import NOTHING, figure
from seawall.report.table_styles import styled_table
from seawall.result import Result, SearchFinding

QUESTION = "Is there a better setting than this for the goal?"


def search_table(found: SearchFinding, style: str) -> Table:
    """Return the way of the search."""
    table = styled_table(f"The way: median {METRICS[found.metric]} of each setting", style)
    for name in ("round", "setting", "trials", "figure", ""):
        table.add_column(name, justify="right" if name in ("round", "trials", "figure") else "left")
    for step in found.steps:
        table.add_row(str(step.round), step.arm, str(step.trials), figure(step.figure), "stays" if step.stays else "")
    return table


def search_sentence(found: SearchFinding) -> str:
    """Say what came out, in a sentence."""
    name = METRICS[found.metric]
    if not found.arm:
        return f"{name}: {found.says}"
    interval = f"{figure(found.ci_low)} to {figure(found.ci_high)}" if found.ci_low is not None else NOTHING
    return (
        f"{found.arm}: {found.says}; {name} {figure(found.ratio)} times that of the {found.base} (95 % interval"
        f" {interval}), over {found.trials} fresh trials each"
    )


def other_sentences(result: Result) -> Iterator[str]:
    """Yield what else the best setting changed beyond chance: what it costs."""
    for row in result.comparisons:
        if result.search and row.significant and row.metric != result.search.metric:
            yield f"{METRICS.get(row.metric, row.metric)} {figure(row.ratio)} times ({row.says})"


def search_answer(result: Result) -> tuple[str, str, str, list[str], list[str]]:
    """Return question, word, sentence, what else changed, and doubts."""
    assert result.search is not None
    found = result.search
    word = "Yes" if found.better else "None was shown" if found.says.startswith("nothing") else "This run does not tell"
    doubts = ["Only levels of the catalogue were tried, one knob at a time, and the best ones together."]
    doubts += [f"{reason.rstrip('.')}." for reason in result.reasons]
    return QUESTION, word, f"{search_sentence(found)}.", [f"{one}." for one in other_sentences(result)], doubts
