"""A soak's slopes in words, the same on the console, the page and in JUnit."""

from __future__ import annotations

from typing import NamedTuple

from seawall.report.table_styles import NOTHING
from seawall.result import SlopeFinding

GROUPS = ("load", "api", "sink")
"""The processes whose memory is judged."""


class SlopeRow(NamedTuple):
    """One slope, each figure as people read it."""

    service: str
    metric: str
    per_hour: str
    interval: str
    limit: str
    verdict: str
    reason: str


def slope_row(slope: SlopeFinding) -> SlopeRow:
    """Return *slope* in words; an end of its interval that the soak does not bound is said to be open."""
    interval = NOTHING
    if slope.per_hour is not None:
        interval = f"{_end(slope.ci_low)} to {_end(slope.ci_high)}"
    return SlopeRow(
        slope.service,
        slope.metric.replace("_", " "),
        NOTHING if slope.per_hour is None else f"{_signed(slope.per_hour)} {slope.unit}",
        interval,
        NOTHING if slope.limit is None else f"{slope.limit:,.3g} {slope.unit}",
        "shown" if slope.outcome is None else slope.outcome.value,
        slope.reason,
    )


def _end(value: float | None) -> str:
    return "open" if value is None else _signed(value)


def _signed(value: float) -> str:
    return f"{value:+,.0f}" if abs(value) >= 100 else f"{value:+.3g}"  # noqa: PLR2004 - three digits
