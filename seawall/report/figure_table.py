"""A table of figures that is drawn alike on the console, on the page and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from seawall.report import markdown
from seawall.report.table_styles import styled_table
from seawall.report.verdicts import COLORS
from seawall.result import Outcome


@dataclass(frozen=True, kw_only=True)
class FigureRow:
    """One line: a text for each column, and how it came out where that was judged."""

    cells: tuple[str, ...]
    outcome: Outcome | None = None


@dataclass(frozen=True, kw_only=True)
class FigureTable:
    """Rows under the names of their columns, the first of which says what a row is about."""

    title: str
    columns: tuple[str, ...]
    rows: list[FigureRow]
    caption: str = ""
    """How to read it, in a sentence or two."""
    texts: frozenset[str] = frozenset()
    """The columns that hold words and not figures; the first always does."""

    def is_text(self, column: str) -> bool:
        """Tell whether *column* holds words."""
        return column == self.columns[0] or column in self.texts

    @property
    def judged(self) -> bool:
        """Whether there is a verdict to show."""
        return any(row.outcome is not None for row in self.rows)


def console_tables(tables: Iterable[FigureTable], style: str) -> Iterable[Table]:
    """Yield each for the console; a verdict stands at the end of its line."""
    for table in tables:
        drawn = styled_table(table.title, style)
        drawn.caption = escape(table.caption) or None
        for name in table.columns:
            drawn.add_column(escape(name), justify="left" if table.is_text(name) else "right")
        if table.judged:
            drawn.add_column("")
        for row in table.rows:
            verdict = [f"[{COLORS[row.outcome]}]{row.outcome.value}[/]" if row.outcome else ""] * table.judged
            drawn.add_row(*map(escape, row.cells), *verdict)
        yield drawn


def markdown_table(table: FigureTable) -> str:
    """Return it in Markdown, the verdict beside what the row is about, and words before figures."""
    order = sorted(range(1, len(table.columns)), key=lambda number: not table.is_text(table.columns[number]))
    names = [table.columns[0], *["verdict"] * table.judged, *(table.columns[number] for number in order)]
    rows = [
        [row.cells[0], *[row.outcome or ""] * table.judged, *(row.cells[number] for number in order)]
        for row in table.rows
    ]
    words = sum(table.is_text(name) for name in table.columns)
    return markdown.table(names, rows, left=words + table.judged)
