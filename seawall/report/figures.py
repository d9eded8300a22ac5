"""How figures are written, wherever people read them."""

from __future__ import annotations

from seawall.result import JudgedTarget

NOTHING = "-"


def figure(value: float | None) -> str:
    """Return a number in three digits, as far as people read."""
    if value is None:
        return NOTHING
    if value and abs(value) >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.3g}"


def times(ratio: float | None) -> str:
    """Return a ratio like ``1.25 times``."""
    return "?" if ratio is None else f"{ratio:.3g} times"


def target_figures(row: JudgedTarget) -> tuple[str, str]:
    """Return the measured figure of a target and its 95 % interval, shares in per cent."""
    share = row.limit.endswith("%")
    measured, low, high = (
        None if value is None else value * 100 if share else value for value in (row.measured, row.ci_low, row.ci_high)
    )
    text = figure(measured) + " %" * (share and measured is not None)
    return text, NOTHING if low == high else f"{figure(low)} to {figure(high)}"
