"""The answer as one picture that stands alone: what each path carried, against its p95, with the target's line."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

from seawall.report.answer import answer_of
from seawall.report.comparison_words import QUESTION, loads
from seawall.report.errors import NoPicture
from seawall.report.page.chart import Chart, shortened
from seawall.report.page.pictures import kind_of, mark_of, p95_limit
from seawall.report.page.scales import linear, logarithmic
from seawall.report.page.sheet import sheet, write_sheet
from seawall.result import JudgedTarget, Outcome, Result

WIDE, HIGH = 720, 500
_ABOVE, _BELOW = 66, 34
_LABEL_STEP, _LONGEST = 13, 24


@dataclass(frozen=True)
class _Place:
    """Where an arm stands: a figure with its interval on both axes."""

    arm: str
    rate: float
    slowest: float
    fastest: float
    response: JudgedTarget
    visible: JudgedTarget | None

    @property
    def points(self) -> list[float]:
        """All values on the axis of times."""
        rows = [row for row in (self.response, self.visible) if row is not None]
        return [value for row in rows for value in (row.measured, row.ci_low, row.ci_high) if value]

    @property
    def waits(self) -> bool:
        """Whether a record is visible later than its answer."""
        measured = self.visible.measured if self.visible else None
        return measured is not None and measured > 1.05 * (self.response.measured or measured)


def answer_picture(result: Result) -> str:
    """Return the picture as a whole SVG file; raises `NoPicture` where no load was judged."""
    places = list(filter(None, (_place(result, arm.name) for arm in result.arms)))
    if not places:
        raise NoPicture(
            "no load was judged in this run, so no path has a place in the picture: run compare with a load"
        )
    trial = loads(result, places[0].arm)[0]
    answer = answer_of(result)
    question = "Kafka in front of the database?" if answer.question == QUESTION else answer.question
    what = "writes" if answer.question == QUESTION else "requests"
    offered = f"{trial.offered_per_s or 0:,.0f} {what} a second offered by {trial.users:,} users"
    count = len(loads(result, places[0].arm))
    trials = f"{count} trials a path" if count > 1 else "one trial"
    below = (
        "Filled: the answer; hollow: the row can be read. Upright: 95 % interval over trials; level: slowest to fastest"
        " trial."
    )
    chart = _chart(result, places)
    return sheet(
        WIDE,
        HIGH,
        f'<text class="word" x="20" y="34">{question} {escape(answer.word)}.</text>'
        f'<text class="under" x="20" y="55">{escape(offered)}, {trials}</text>'
        f'<svg x="12" y="{_ABOVE}" width="{WIDE - 24}" height="{HIGH - _ABOVE - _BELOW}">{chart.svg()}</svg>'
        f'<text class="under" style="font-size:12px" x="20" y="{HIGH - 14}">{below}</text>',
        letters_px=9,
    )


def write_picture(result: Result, path: Path) -> None:
    """Write the picture to *path*; it appears only when it is whole. Raises `NoPicture`."""
    write_sheet(answer_picture(result), path)


def _place(result: Result, arm: str) -> _Place | None:
    trials = loads(result, arm)
    rows = {row.metric: row for row in result.targets if row.arm == arm and row.measured}
    rates = [trial.achieved_per_s for trial in trials if trial.achieved_per_s]
    if not rates or "response_p95_ms" not in rows:
        return None
    return _Place(
        arm, sum(rates) / len(rates), min(rates), max(rates), rows["response_p95_ms"], rows.get("visible_p95_ms")
    )


def _chart(result: Result, places: list[_Place]) -> Chart:
    limit = p95_limit(result)
    offered = {trial.offered_per_s for place in places for trial in loads(result, place.arm) if trial.offered_per_s}
    told = ", ".join(_words(result, place) for place in places)
    chart = Chart(
        "Throughput against p95 of each path", f"{told}.",
        linear([*(place.fastest for place in places), *offered]),
        logarithmic([*(value for place in places for value in place.points), *([limit.number] if limit else [])]),
        "records made visible, per second", "p95, ms",
    )  # fmt: skip
    if limit:
        chart.limit(limit.number, limit.says)
    if len(offered) == 1:
        chart.upright(offered.pop(), "offered")
    labels: list[tuple[_Place, float, str, str]] = []
    for place in places:
        kind, mark = kind_of(result, place.arm), mark_of(result, place.arm)
        answered = place.response.measured or 0.0
        chart.whisker((place.slowest, place.fastest), (answered, answered), kind)
        if place.waits and place.visible and place.visible.measured:
            shown = place.visible.measured
            chart.line([(place.rate, answered), (place.rate, shown)], kind)
            _interval(chart, place, place.visible, kind)
            chart.point(place.rate, shown, kind, f"{place.arm}: visible", mark=mark, faint=True)
            labels.append((place, shown, f"{shortened(place.arm, _LONGEST)}: visible p95 {_short(shown)} ms", kind))
        _interval(chart, place, place.response, kind)
        chart.point(place.rate, answered, kind, _words(result, place), mark=mark)
        labels.append((place, answered, _words(result, place), kind))
    _label(chart, labels)
    return chart


def _interval(chart: Chart, place: _Place, row: JudgedTarget, kind: str) -> None:
    if row.ci_low and row.ci_high:
        chart.whisker((place.rate, place.rate), (row.ci_low, row.ci_high), kind)


def _label(chart: Chart, labels: list[tuple[_Place, float, str, str]]) -> None:
    """Write the labels beside their marks, towards the middle, the faster ones pushed down where they would meet."""
    last = 0.0
    for place, value, text, kind in sorted(labels, key=lambda label: -label[1]):
        last = max(chart.y_place(value) + 3, last + _LABEL_STEP)
        if chart.x.place(place.rate) < 0.5:  # noqa: PLR2004 - the middle
            chart.name(place.fastest, last, text, kind)
        else:
            chart.name(place.slowest, last, text, kind, before=True)


def _words(result: Result, place: _Place) -> str:
    outcome = result.verdicts.get(place.arm)
    verdict = f", {outcome}" if isinstance(outcome, Outcome) else ""
    figures = f"{place.rate:,.0f}/s, p95 {_short(place.response.measured or 0.0)} ms"
    return f"{shortened(place.arm, _LONGEST)}: {figures}{verdict}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - as far as people read
