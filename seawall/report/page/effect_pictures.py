"""The effects of a plan's knobs as pictures: a mark and an interval each, against the line of no effect."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seawall.report.effect_tables import alias_words, effect_name, metric_name
from seawall.report.figures import figure
from seawall.report.page.chart import Chart
from seawall.report.page.pictures import Picture
from seawall.report.page.scales import Tick, logarithmic
from seawall.result import EffectFinding, Result

_MOST_NUMBERS = 16
"""So many find room beneath a chart."""


@dataclass(frozen=True)
class _Numbered:
    """An axis of effects, by their number from 1."""

    effects: int

    def place(self, value: float) -> float:
        """Return where *value* stands."""
        return value / (self.effects + 1)

    def ticks(self) -> list[Tick]:
        """Return the numbers there is room for."""
        step = 1 + self.effects // _MOST_NUMBERS
        return [(float(number), str(number)) for number in range(1, self.effects + 1, step)]


def effect_pictures(result: Result) -> Iterator[Picture]:
    """Yield a picture for each metric that effects are known of."""
    for metric in dict.fromkeys(row.metric for row in result.effects):
        rows = [row for row in result.effects if row.metric == metric]
        if all(row.ratio is not None for row in rows):
            name = metric_name(metric)
            yield Picture(
                f"Effects on {name}",
                _chart(rows, name).svg(),
                "A mark an effect, numbered as in the table, with its 95 % interval; pale where chance does as much. Of"
                " one knob: how many times as large the figure is at its second level; of two: how many times as large"
                " the one's ratio is at the other's second level.",
            )


def _chart(rows: list[EffectFinding], name: str) -> Chart:
    ends = [end for row in rows for end in (row.ratio, row.ci_low, row.ci_high) if end]
    shown = [f"{effect_name(row)} {figure(row.ratio)}" for row in rows if row.significant]
    chart = Chart(
        f"Effects on {name}", f"Shown: {', '.join(shown) or 'none'}.",
        _Numbered(len(rows)), logarithmic([*ends, 1.0]), "number of the effect", "times as large",
    )  # fmt: skip
    chart.limit(1.0, "no effect")
    for number, row in enumerate(rows, 1):
        if row.ci_low and row.ci_high:
            chart.whisker((number, number), (row.ci_low, row.ci_high), "arm-0")
        aliases = alias_words(row)
        says = f"{number}. {effect_name(row)}: {figure(row.ratio)} times ({row.says}){'; ' * bool(aliases)}{aliases}"
        mark = "circle" if len(row.factors) == 1 else "diamond"
        chart.point(number, row.ratio or 1.0, "arm-0", says, mark=mark, faint=not row.significant)
    return chart
