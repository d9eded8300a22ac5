"""Ranges of options, alike in all commands that say them."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite


def between(option: str, value: float, least: float, most: float) -> Iterator[str]:
    """Yield what is wrong with *value*, which may be *least* to *most*."""
    if not least <= value <= most:
        yield f"{option}: {value:,.10g} is not between {least:,.10g} and {most:,.10g}"


def above_zero(option: str, value: float) -> Iterator[str]:
    """Yield what is wrong with *value*, which has to be finite and more than nothing."""
    if not (isfinite(value) and value > 0):
        yield f"{option}: must be above 0"


def not_below_zero(option: str, value: float) -> Iterator[str]:
    """Yield what is wrong with *value*, which has to be finite, and may be nothing."""
    if not (isfinite(value) and value >= 0):
        yield f"{option}: must not be below 0"
