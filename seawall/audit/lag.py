"""Consumer lag over time, exact: from ledger, log and journals, and not from what a monitor happened to see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seawall.audit.ledger import NEVER, Int64s, UInt64s
from seawall.audit.log import LogRecords
from seawall.audit.membership import places
from seawall.stats.errors import StatsError
from seawall.stats.intervals import Interval
from seawall.stats.trends import theil_sen_slope

STEP_NS = 100_000_000
_MOMENTS = 1_000_000


@dataclass(frozen=True)
class LagEvents:
    """When the records of one partition were acknowledged, and when they became visible; both sorted, monotonic."""

    acked_ns: Int64s
    visible_ns: Int64s
    """Shorter than *acked_ns* where some never became visible."""

    def at(self, moments_ns: Int64s) -> Int64s:
        """Return the lag at each moment: records acknowledged by then minus records visible by then."""
        lag: Int64s = np.searchsorted(self.acked_ns, moments_ns, side="right") - np.searchsorted(
            self.visible_ns, moments_ns, side="right"
        )
        return lag


@dataclass(frozen=True)
class LagOverTime:
    """The consumer lag on a grid of moments, in records."""

    at_ns: Int64s
    partitions: dict[str, Int64s]
    """For each ``topic[partition]``, the lag at each moment of *at_ns*."""
    maximum: int
    """The largest lag of all partitions together, at any time between the grid's ends."""
    slope_per_s: Interval | None
    """By how many records a second it grows in the judged time (95 %); None where that was too short to tell."""

    @property
    def total(self) -> Int64s:
        """The lag of all partitions together, at each moment."""
        whole = np.zeros(len(self.at_ns), dtype=np.int64)
        for lag in self.partitions.values():
            whole += lag
        return whole


def lag_events(log: LogRecords, acknowledged: UInt64s, answered_ns: Int64s, visible_ns: Int64s) -> dict[str, LagEvents]:
    """Return the events of each partition of *log*, by ``topic[partition]``.

    *acknowledged* and *answered_ns* are ids and times of the ledger's acknowledged records; *visible_ns* belongs to
    *log*. A row may appear before the HTTP answer has come back; its record then counts as acknowledged at that moment,
    so that no lag is negative.
    """
    order = np.argsort(acknowledged, kind="stable")
    acknowledged, answered_ns = acknowledged[order], answered_ns[order]
    del order  # a tenth of a gigabyte for ten million records
    events = {}
    for number in np.unique(log.partition).tolist():
        here = log.partition == number
        place, there = places(log.low[here], acknowledged)
        seen_ns = visible_ns[here][there]
        acked_ns = np.minimum(answered_ns[place[there]], seen_ns)
        acked_ns.sort()
        seen_ns = seen_ns[seen_ns != NEVER]
        seen_ns.sort()
        events[f"{log.topic}[{number}]"] = LagEvents(acked_ns, seen_ns)
    return events


def lag_over_time(
    events: Mapping[str, LagEvents], *, start_ns: int, end_ns: int, judged_from_ns: int | None = None
) -> LagOverTime:
    """Return the lag from *start_ns* to *end_ns* every 100 ms; the slope is that from *judged_from_ns* on."""
    at_ns = np.arange(start_ns, end_ns + 1, STEP_NS, dtype=np.int64)
    partitions = {name: one.at(at_ns) for name, one in events.items()}
    judged = at_ns >= (start_ns if judged_from_ns is None else judged_from_ns)
    found = LagOverTime(at_ns, partitions, _maximum(events, start_ns, end_ns), None)
    try:
        slope = theil_sen_slope(found.total[judged].astype(np.float64), STEP_NS / 1e9)
    except StatsError:
        return found
    return LagOverTime(at_ns, partitions, found.maximum, slope)


def _maximum(events: Mapping[str, LagEvents], start_ns: int, end_ns: int) -> int:
    if not events:
        return 0
    whole = LagEvents(
        _together([one.acked_ns for one in events.values()]), _together([one.visible_ns for one in events.values()])
    )
    # The lag only grows with an acknowledgement, so its maximum is right after one, or at the start.
    moments = whole.acked_ns[slice(*np.searchsorted(whole.acked_ns, [start_ns, end_ns + 1]))]
    largest = int(whole.at(np.array([start_ns])).max())
    for first in range(0, len(moments), _MOMENTS):
        largest = max(largest, int(whole.at(moments[first : first + _MOMENTS]).max()))
    return largest


def _together(parts: list[Int64s]) -> Int64s:
    whole = np.concatenate(parts)
    whole.sort()
    return whole
