"""A history in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.history_words import (
    METHOD,
    change_rows,
    followed_groups,
    headline,
    main_series,
    name_of,
    other_rows,
    outcomes_of,
    period_cells,
    single_groups,
    title_of,
)
from seawall.report.markdown import table, text
from seawall.result.history import History, HistoryGroup


def history_markdown(history: History) -> str:
    """Return the whole report: what got worse, all changes, a table a group by period, and what was left out."""
    return "\n\n".join(part.strip("\n") for part in _parts(history)) + "\n"


def _parts(history: History) -> Iterator[str]:
    word, sentence = headline(history)
    yield f"# Seawall: history of {text(history.directory)}"
    yield f"**{word}.** {text(sentence)}"
    yield "## Changes of level"
    changes = change_rows(history)
    if changes:
        names = ("since", "experiment", "path", "figure", "says", "before", "after", "times as much", "chance",
                 "first run of it", "changed with it")  # fmt: skip
        yield table(
            names,
            [
                (c.since, c.experiment, c.arm, c.figure, c.says, c.before, c.after, c.times, c.p, c.run, c.changed)
                for c in changes
            ],
            left=5,
        )
    else:
        yield "None was found."
    for group in followed_groups(history):
        yield from _of_group(history, group)
    singles = single_groups(history)
    if singles:
        yield "## With one run only"
        rows = [(title_of(group), history.runs[group.runs[0]].directory) for group in singles]
        yield table(("experiment and path", "run"), rows, left=2)
    if history.skipped:
        yield "## Left out"
        yield "\n".join(f"- {text(one.path)}: {text(one.why)}" for one in history.skipped)
    yield "## How a change is told"
    yield text(METHOD)


def _of_group(history: History, group: HistoryGroup) -> Iterator[str]:
    yield f"## {text(title_of(group))}"
    if group.apart:
        yield f"Not comparable with the ones above: {text('; '.join(group.apart))}."
    names = (history.by, "came out", "runs", *map(name_of, main_series(group)), "lost")
    rows = [
        (period.name, ", ".join(f"{count} {outcome}" for outcome, count in outcomes_of(period)), *period_cells(period))
        for period in group.periods
    ]
    yield table(names, rows, left=2)
    yield table(("figure", "change of level", "runs", "first", "newest"), _turned(other_rows(history, group)), left=2)


def _turned(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the rows with their words in the second place, where Markdown's texts stand."""
    return [(name, words, *figures) for name, *figures, words in rows]
