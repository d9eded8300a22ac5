"""Columns beside one another, each stacked from its parts: what every arm spends, and on what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.report.page.chart import Chart
from seawall.report.page.scales import Named, linear


@dataclass(frozen=True)
class Column:
    """One of them."""

    name: str
    kind: str
    """The style class of its arm."""
    parts: Sequence[tuple[float, str]]
    """From the bottom to the top, with what is said of each where the pointer rests on it."""

    @property
    def height(self) -> float:
        """All parts together."""
        return sum(value for value, _ in self.parts)


def column_chart(title: str, tells: str, columns: Sequence[Column], y_label: str) -> Chart:
    """Return *columns* side by side on an axis from 0."""
    chart = Chart(
        title, tells, Named(tuple(one.name for one in columns)), linear([one.height for one in columns]), "", y_label
    )
    for number, one in enumerate(columns):
        chart.column(number, one.parts, one.kind)
    return chart
