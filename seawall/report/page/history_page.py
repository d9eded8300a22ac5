"""Puts a history into a page of its own, in the look of a run's report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from seawall.report.history_words import (
    METHOD,
    QUESTION,
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
from seawall.report.page.history_pictures import group_pictures
from seawall.result import Outcome
from seawall.result.history import History, HistoryGroup

_HERE = Path(__file__).parent


def render_history(history: History) -> str:
    """Return the whole page."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    word, sentence = headline(history)
    return environment.get_template("history.html.j2").render(
        history=history,
        style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        question=QUESTION,
        word=word,
        sentence=sentence,
        changes=change_rows(history),
        groups=[_group(history, group, number) for number, group in enumerate(followed_groups(history))],
        singles=[(title_of(group), history.runs[group.runs[0]].directory) for group in single_groups(history)],
        count=_count,
        method=METHOD,
    )


def write_history_page(history: History, path: Path) -> None:
    """Write the page to *path*; it appears only when it is whole."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(render_history(history), encoding="utf-8")
    partial.replace(path)


def _count(outcome: Outcome, number: int) -> Markup:
    """Return how often an outcome occurred as a coloured word."""
    return Markup('<span class="chip {0}">{1} {0}</span>').format(outcome.value, number)


def _group(history: History, group: HistoryGroup, number: int) -> dict[str, Any]:
    return {
        "title": title_of(group),
        "label": f"{title_of(group)}, group {number + 1}",
        "apart": "; ".join(group.apart),
        "pictures": list(group_pictures(history, group, number)),
        "names": [name_of(one) for one in main_series(group)],
        "periods": [(period.name, outcomes_of(period), period_cells(period)) for period in group.periods],
        "others": other_rows(history, group),
        "conditions": list(group.conditions.items()),
    }
