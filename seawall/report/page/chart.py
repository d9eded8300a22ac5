"""A chart as SVG text: lines, bands, points with intervals, bars, limits and shaded stretches over two axes.

Colours are classes of the page's style sheet, so the same picture is right on a light page, a dark one and on paper.
Series differ in dashes and marks as well, for those who cannot tell the colours apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from seawall.report.page.scales import Scale

WIDTH, HEIGHT = 460, 270
"""In the picture's own units; a column on a desktop is a little wider, a phone a little narrower."""
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 42
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
            self._names.append((self._y(points[-1][1]), name, kind))

    def point(self, x: float, y: float, kind: str, says: str, *, mark: str = "circle", faint: bool = False) -> None:
        """Draw a mark; *says* appears where the pointer rests on it."""
        shape = _mark(mark, self._x(x), self._y(y), 3.0 if faint else 4.5)
        classes = f"mark {kind}{' faint' * faint}"
        self._over.append(f'<g class="{classes}"><title>{escape(says)}</title>{shape}</g>')

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
        self._under.append(f'<line class="limit" x1="{LEFT}" x2="{WIDTH - self.right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        self._under.append(f'<text class="limit-text" x="{LEFT + 4}" y="{y - 4:.1f}">{escape(says)}</text>')

    def shade(self, low: float, high: float, says: str) -> None:
        """Shade a stretch of the x axis."""
        left, right = self._x(low), self._x(high)
        if right <= left:
            return
        height = HEIGHT - TOP - BOTTOM
        self._under.append(
            f'<rect class="shade" x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{height}"/>'
        )
        self._under.append(f'<text class="note" x="{left + 3:.1f}" y="{TOP + 11}">{escape(says)}</text>')

    def svg(self) -> str:
        """Return the picture."""
        identity = f"c{abs(hash((self.title, self.tells))):x}"
        return "".join([
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{identity}">',
            f'<title id="{identity}">{escape(self.title)}. {escape(self.tells)}</title>',
            *self._axes(), *self._under, *self._over, *self._written_names(), "</svg>",
        ])  # fmt: skip

    def _axes(self) -> Iterable[str]:
        bottom, end = HEIGHT - BOTTOM, WIDTH - self.right
        for value, text in self.y.ticks():
            y = self._y(value)
            yield f'<line class="grid" x1="{LEFT}" x2="{end}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text class="tick" text-anchor="end" x="{LEFT - 5}" y="{y + 4:.1f}">{escape(text)}</text>'
        for value, text in self.x.ticks():
            x = self._x(value)
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
            yield f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{bottom + 15}">{escape(text)}</text>'
        yield f'<line class="axis" x1="{LEFT}" x2="{end}" y1="{bottom}" y2="{bottom}"/>'
        centre = (LEFT + end) / 2
        below = f'x="{centre:.0f}" y="{HEIGHT - 8}"'
        yield f'<text class="label" text-anchor="middle" {below}>{escape(self.x_label)}</text>'
        middle = (TOP + bottom) / 2
        yield (
            f'<text class="label" text-anchor="middle" transform="rotate(-90 12 {middle:.0f})" x="12" y="{middle:.0f}">'
            f"{escape(self.y_label)}</text>"
        )

    def _written_names(self) -> Iterable[str]:
        """Write the lines' names at their ends, moved apart where they would cover one another."""
        last = -99.0
        for wanted, name, kind in sorted(self._names):
            last = max(wanted + 4, last + 13)
            x, y = WIDTH - self.right + 4, min(last, HEIGHT - 4)
            yield f'<text class="name {kind}" x="{x}" y="{y:.1f}">{escape(name)}</text>'

    def _x(self, value: float) -> float:
        return LEFT + self.x.place(value) * (WIDTH - self.right - LEFT)

    def _y(self, value: float) -> float:
        share = min(1.0, max(0.0, self.y.place(value)))
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


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
