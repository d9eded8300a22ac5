"""Live figures of orders by windows of event time: their form, and where in the cache they are published.

A window holds the orders whose `placed_at` lies in it; windows of one size follow one another without gaps since 1970.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

TOP = 5
"""So many products a window names."""


class TopProduct(msgspec.Struct, frozen=True, array_like=True):
    """A product, and for how many cents it was ordered in a window."""

    product: str
    cents: int


class WindowResult(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one window."""

    start_us: int
    """Microseconds since 1970."""
    orders: int
    quantity: int
    total_cents: int
    top: list[TopProduct]
    """The products with the most cents, the most first; of equal ones, the smaller id."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the records that whoever makes the windows has seen."""

    counted: int = 0
    late: int = 0
    """Of these, records of a window that had ended already, within the allowed lateness."""
    repeated: int = 0
    """Ids that were counted or too late already."""
    too_late: int = 0
    """Not counted: their window was closed."""


class Keys(NamedTuple):
    """Where one publisher's figures are."""

    windows: str
    """Hash: a window's start as text, and its `WindowResult` as JSON."""
    told: str
    """String: `Told` as JSON."""
    too_late: str
    """Set: the ids that were too late, as text."""


def keys_of(publisher: str) -> Keys:
    """Return the keys of *publisher*, which a cluster keeps together by what stands in braces."""
    return Keys(*(f"seawall:windows:{{{publisher}}}:{part}" for part in ("results", "told", "too-late")))


def window_start(event_us: int, size_us: int) -> int:
    """Return the start of the window of *size_us* that holds the moment *event_us*."""
    return event_us - event_us % size_us


class Asked(msgspec.Struct, frozen=True):
    """One time that the table was asked for its windows; monotonic nanoseconds."""

    begun_ns: int
    """Before the query was sent: it sees every row that was visible by then."""
    published_ns: int
    """Its result could be read from now on."""
