"""Tables of figures say the same on the console, on the page and in Markdown, and nothing in them is markup."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from seawall.report.answer_form import Answer
from seawall.report.figure_table import FigureRow, FigureTable, console_tables, markdown_table
from seawall.report.page.page import render
from seawall.report.scenarios import SCENARIOS, ScenarioReport
from seawall.report.summary_markdown import summary_markdown
from seawall.result import Outcome, Result

TABLE = FigureTable(
    title="Who won",
    columns=("who", "points", "why"),
    texts=frozenset({"why"}),
    rows=[
        FigureRow(cells=("[red]Anna", "12", "<b>quick</b>"), outcome=Outcome.PASS),
        FigureRow(cells=("Boris", "3", "slept"), outcome=Outcome.FAIL),
    ],
)
RESULT = Result(
    experiment="stream-race", started_at="2026-01-01T00:00:00+00:00", finished_at="2026-01-01T00:00:01+00:00", seed=1,
    outcome=Outcome.FAIL,
)  # fmt: skip


def test_the_console_shows_each_cell_as_it_is_with_the_verdict_at_the_end() -> None:
    """A bracket or an angle in a name is shown and not obeyed."""
    out = io.StringIO()
    Console(file=out, width=100).print(*console_tables([TABLE], "ascii"))
    anna = next(line for line in out.getvalue().splitlines() if "Anna" in line)
    assert [cell.strip() for cell in anna.split("|")[1:-1]] == ["[red]Anna", "12", "<b>quick</b>", "PASS"]


def test_markdown_puts_verdict_and_words_before_figures() -> None:
    """As in the other tables of a summary."""
    lines = markdown_table(TABLE).strip().splitlines()
    assert lines[0] == "| who | verdict | why | points |"
    assert lines[1] == "|---|---|---|---:|"
    assert lines[3] == "| Boris | FAIL | slept | 3 |"
    assert "<b>" not in lines[2]


def test_page_and_summary_show_the_tables_of_a_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row in `SCENARIOS` is all that a scenario adds."""
    report = ScenarioReport(
        answer=lambda _: Answer("Who?", "Anna", "She was quick."), tables=lambda _: [TABLE], not_measured=("Rain.",)
    )
    monkeypatch.setitem(SCENARIOS, "stream-race", report)
    page, summary = render(RESULT, {}), summary_markdown(RESULT)
    assert "&lt;b&gt;quick" in page
    assert "<b>quick" not in page
    assert "<li>Rain.</li>" in page
    assert '<span class="chip FAIL">FAIL</span>' in page
    assert "Anna" in summary.splitlines()[0]
    assert "| Boris | FAIL | slept | 3 |" in summary
