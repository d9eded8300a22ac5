"""What the arrivals of a trial say: how long each stage of the way to a subscriber took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seawall.audit.feed import Deliveries, FeedCounts
from seawall.audit.ledger import Ledger
from seawall.experiments.figures import Window, quantiles_ms, with_intervals
from seawall.experiments.seconds import seconds_of
from seawall.result import Quantiles
from seawall.result.second import Second


@dataclass(frozen=True)
class LiveFigures:
    """Times of what was due in the judged time, see `LiveFinding`."""

    arrival_ms: Quantiles
    accepted_ms: Quantiles
    propagation_ms: Quantiles
    delivery_ms: Quantiles
    deliveries_per_s: float
    course: list[Second]


def live_figures(ledger: Ledger, found: Deliveries, counts: FeedCounts, window: Window) -> LiveFigures:
    """Return how long what was due in *window* took; all that is missing counts as later than all others."""
    inside = window.holds(ledger.intended_ns[found.request])
    request = found.request[inside]
    published_ns, arrived_ns = found.published_ns[inside], found.arrived_ns[inside]
    intended_ns, answered_ns = ledger.intended_ns[request], ledger.answered_ns[request]
    whole_ns = arrived_ns - intended_ns
    missing_at_ns = np.full(counts.missing, window.end_ns, dtype=np.int64)
    return LiveFigures(
        arrival_ms=with_intervals(quantiles_ms(whole_ns, counts.missing), intended_ns, whole_ns, missing_at_ns),
        accepted_ms=quantiles_ms(answered_ns - intended_ns),
        propagation_ms=quantiles_ms(published_ns - answered_ns),
        delivery_ms=quantiles_ms(arrived_ns - published_ns),
        deliveries_per_s=round(float(window.holds(found.arrived_ns).sum()) / window.seconds, 3),
        course=seconds_of(
            int(ledger.intended_ns.min(initial=window.start_ns)),
            ledger.intended_ns[found.request],
            found.arrived_ns - ledger.intended_ns[found.request],
        ),
    )
