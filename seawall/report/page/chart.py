"""A chart as SVG text: lines, bands, points with intervals, bars, limits and shaded stretches over two axes.

Colours are classes of the page's style sheet, so the same picture is right on a light page, a dark one and on paper.
Series differ in dashes and marks as well, for those who cannot tell the colours apart.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape

from seawall.report.page.scales import Scale

WIDTH, HEIGHT = 460, 270
"""In the picture's own units; a column on a desktop is a little wider, a phone a little narrower."""
LEFT, RIGHT, TOP, BOTTOM = 60, 26, 30, 42
"""Room around; at the left at least."""
TICK_WIDTH = 9
"""Of a letter of a number at the left, as large as it is on a phone."""
NAME_STEP, NAME_WIDTH = 15, 10
"""Between the names of lines, and of one of their letters: as large as they are on a phone."""
MARKS = ("circle", "square", "triangle", "diamond", "cross", "ring")

Point = tuple[float, float]


@dataclass
class Chart:
    """One picture; add to it, then take `svg`."""

    title: str
    tells: str
    """What it shows, in a sentence, for those who cannot see it."""
    x: Scale
    y: Scale
    x_label: str
    y_label: str
    right: int = RIGHT
    """Room at the right for the names of lines."""
    _under: list[str] = field(default_factory=list)
    _over: list[str] = field(default_factory=list)
    _limits: list[float] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)
    _names: list[tuple[float, str, str]] = field(default_factory=list)

    def line(
        self, points: Sequence[Point], kind: str, *, name: str = "", thin: bool = False, dashed: bool = False
    ) -> None:
        """Draw a line through *points*; *name* is written at its end."""
        if not points:
            return
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
        classes = f"line {kind}{' thin' * thin}{' dashed' * dashed}"
        self._over.append(f'<polyline class="{classes}" points="{path}"/>')
        if name:
            self._names.append((self._y(points[-1][1]), shortened(name), kind))

    def band(self, stretches: Sequence[tuple[float, float, float]], kind: str) -> None:
        """Fill between two lines, given as places on the x axis with a low and a high value each."""
        there = [f"{self._x(x):.1f},{self._y(low):.1f}" for x, low, _ in stretches]
        back = [f"{self._x(x):.1f},{self._y(high):.1f}" for x, _, high in reversed(stretches)]
        self._under.append(f'<polygon class="band {kind}" points="{" ".join(there + back)}"/>')

    def point(self, x: float, y: float, kind: str, says: str, *, mark: str = "circle", faint: bool = False) -> None:
        """Draw a mark; *says* appears where the pointer rests on it."""
        shape = _mark(mark, self._x(x), self._y(y), 3.0 if faint else 4.5)
        classes = f"mark {kind}{' faint' * faint}"
        self._over.append(f'<g class="{classes}"><title>{escape(says)}</title>{shape}</g>')

    def column(self, x: float, parts: Sequence[tuple[float, str]], kind: str, *, wide: float = 0.5) -> None:
        """Stack *parts* from the x axis upwards, values with what appears where the pointer rests on them.

        *wide* is in units of the x axis. Each part is paler than the one beneath it.
        """
        left, right, low = self._x(x - wide / 2), self._x(x + wide / 2), 0.0
        for number, (value, says) in enumerate(parts):
            top, bottom = self._y(low + value), self._y(low)
            self._over.append(
                f'<g class="mark {kind}"><title>{escape(says)}</title><rect x="{left:.1f}" y="{top:.1f}"'
                f' width="{right - left:.1f}" height="{max(0.0, bottom - top):.1f}"'
                f' fill-opacity="{1 / (1 + number) ** 2:.2f}"/></g>'
            )
            low += value

    def whisker(self, x: tuple[float, float], y: tuple[float, float], kind: str) -> None:
        """Draw an interval, from one corner to the other; level or upright."""
        ends = (self._x(x[0]), self._y(y[0]), self._x(x[1]), self._y(y[1]))
        self._over.append(
            '<line class="whisker {}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'.format(kind, *ends)
        )

    def limit(self, value: float, says: str) -> None:
        """Draw a level line with its text: what the figures should keep to."""
        if not 0 <= self.y.place(value) <= 1:
            return
        y = self._y(value)
        self._limits.append(y)
        self._under.append(
            f'<line class="limit" x1="{self.left}" x2="{WIDTH - self.right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        self._notes.append(f'<text class="limit-text" x="{self.left + 4}" y="{y - 4:.1f}">{escape(says)}</text>')

    def upright(self, value: float, says: str) -> None:
        """Draw an upright line with its text: what was asked for."""
        x, bottom = self._x(value), HEIGHT - BOTTOM
        self._under.append(f'<line class="asked" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        y = TOP + 12
        if any(abs(limit - y) < NAME_STEP for limit in self._limits):
            y += 2 * NAME_STEP
        self._notes.append(f'<text class="note" text-anchor="end" x="{x - 5:.1f}" y="{y}">{escape(says)}</text>')

    def shade(self, low: float, high: float, says: str) -> None:
        """Shade a stretch of the x axis."""
        left, right = self._x(low), self._x(high)
        if right <= left:
            return
        height = HEIGHT - TOP - BOTTOM
        self._under.append(
            f'<rect class="shade" x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{height}"/>'
        )
        self._notes.append(f'<text class="note" x="{left + 3:.1f}" y="{TOP + 12}">{escape(says)}</text>')

    def y_place(self, y: float) -> float:
        """Return how far from the picture's top the value *y* stands."""
        return self._y(y)

    def name(self, x: float, place: float, says: str, kind: str, *, before: bool = False) -> None:
        """Write *says* behind the value *x*, or *before* it, so far from the top as *place* says."""
        at, anchor = (self._x(x) - 9, "end") if before else (self._x(x) + 9, "start")
        self._notes.append(
            f'<text class="name {kind}" text-anchor="{anchor}" x="{at:.1f}" y="{place:.1f}">{escape(says)}</text>'
        )

    @cached_property
    def left(self) -> int:
        """Room at the left for the longest number there."""
        return max(LEFT, TICK_WIDTH * max((len(text) for _, text in self.y.ticks()), default=0) + 5)

    def svg(self) -> str:
        """Return the picture."""
        identity = f"c{zlib.crc32(f'{self.title}/{self.tells}'.encode()):x}"
        return "".join([
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{identity}">',
            f'<title id="{identity}">{escape(self.title)}. {escape(self.tells)}</title>',
            *self._axes(), *self._under, *self._over, *self._notes, *self._written_names(), "</svg>",
        ])  # fmt: skip

    def _axes(self) -> Iterable[str]:
        bottom, end = HEIGHT - BOTTOM, WIDTH - self.right
        for value, text in self.y.ticks():
            y = self._y(value)
            yield f'<line class="grid" x1="{self.left}" x2="{end}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text class="tick" text-anchor="end" x="{self.left - 5}" y="{y + 4:.1f}">{escape(text)}</text>'
        for value, text in self.x.ticks():
            x = self._x(value)
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
            yield f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{bottom + 15}">{escape(text)}</text>'
        yield f'<line class="axis" x1="{self.left}" x2="{end}" y1="{bottom}" y2="{bottom}"/>'
        centre = (self.left + end) / 2
        below = f'x="{centre:.0f}" y="{HEIGHT - 8}"'
        yield f'<text class="label" text-anchor="middle" {below}>{escape(self.x_label)}</text>'
        # Level and above the axis, where it is read soonest and no long number runs into it.
        yield f'<text class="label" x="2" y="15">{escape(self.y_label)}</text>'

    def _written_names(self) -> Iterable[str]:
        """Write the lines' names at their ends, moved apart where they would cover one another."""
        names = sorted(self._names)
        places: list[float] = []
        for wanted, _, _ in names:
            places.append(max(wanted + 4, places[-1] + NAME_STEP if places else TOP))
        lowest = HEIGHT - BOTTOM + 4.0
        for number in range(len(places) - 1, -1, -1):
            places[number] = min(places[number], lowest)
            lowest = places[number] - NAME_STEP
        x = WIDTH - self.right + 4
        for y, (_, name, kind) in zip(places, names, strict=True):
            yield f'<text class="name {kind}" x="{x}" y="{y:.1f}">{escape(name)}</text>'

    def _x(self, value: float) -> float:
        return self.left + self.x.place(value) * (WIDTH - self.right - self.left)

    def _y(self, value: float) -> float:
        share = min(1.0, max(0.0, self.y.place(value)))
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def shortened(name: str, most: int = 14) -> str:
    """Return *name* with no more than *most* letters, of a knob and its level the level: the legend has it whole."""
    if len(name) > most:
        name = name.partition("=")[2] or name
    return name if len(name) <= most else name[: most - 1] + "…"


def room_for(names: Iterable[str]) -> int:
    """Return how much room the longest of *names*, shortened, takes at the right of a chart."""
    return max(RIGHT, NAME_WIDTH * max((len(shortened(name)) for name in names), default=0) + 12)


def _mark(mark: str, x: float, y: float, size: float) -> str:
    if mark == "square":
        return f'<rect x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size:.1f}" height="{2 * size:.1f}"/>'
    if mark in ("triangle", "diamond"):
        low = y + size if mark == "triangle" else y
        corners = [
            (x, y - size * 1.2),
            (x + size * 1.1, low),
            (x, y + size * (1.2 if mark == "diamond" else 1)),
            (x - size * 1.1, low),
        ]
        return '<polygon points="{}"/>'.format(" ".join(f"{a:.1f},{b:.1f}" for a, b in corners))
    if mark == "cross":
        both = f"{2 * size:.1f}"
        return f'<path d="M{x - size:.1f} {y - size:.1f}l{both} {both}m0 -{both}l-{both} {both}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>'


def swatch(kind: str, mark: str) -> str:
    """Return a small picture of a mark, for a legend."""
    return f'<svg viewBox="0 0 16 16" aria-hidden="true"><g class="mark {kind}">{_mark(mark, 8, 8, 5)}</g></svg>'
