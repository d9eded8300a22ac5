"""Figures of a trial from what its watchers saw: the independent reader, and the consumer lag over time."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.audit.lag import LagEvents, lag_over_time
from seawall.audit.ledger import Ledger
from seawall.audit.sightings import Sightings, reader_visible_delay
from seawall.experiments.figures import Window, quantiles_ms
from seawall.result import LagFigures, ReaderFigures


def reader_figures(sightings: Sightings, ledger: Ledger, window: Window) -> ReaderFigures:
    """Return what the reader saw of the records intended in *window*."""
    judged = window.holds(ledger.intended_ns) & ledger.accepted
    delays = reader_visible_delay(sightings, ledger.low[judged], ledger.intended_ns[judged])
    resolution = sightings.resolution
    return ReaderFigures(
        visible_ms=quantiles_ms(delays.most_ns),
        resolution_p50_ms=resolution.p50_ms if resolution else None,
        resolution_p99_ms=resolution.p99_ms if resolution else None,
        cpu_share=sightings.cpu_share,
    )


def lag_figures(events: Mapping[str, LagEvents], window: Window) -> LagFigures | None:
    """Return the consumer lag in *window*; None where nothing lay in the log."""
    if not events:
        return None
    found = lag_over_time(events, start_ns=window.start_ns, end_ns=window.end_ns)
    slope = found.slope_per_s
    return LagFigures(
        maximum=found.maximum,
        partition_maximum={name: int(lag.max()) for name, lag in found.partitions.items() if len(lag)},
        slope_per_s=round(slope.estimate, 3) if slope else None,
        slope_low=round(slope.low, 3) if slope else None,
        slope_high=round(slope.high, 3) if slope else None,
    )
