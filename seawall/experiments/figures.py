"""Turns a trial's ledger and its rows' times into the figures of `seawall.result.Trial`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from seawall.audit.ledger import Int64s, Ledger
from seawall.audit.visibility import NEVER
from seawall.result import Quantiles
from seawall.stats.dependence import quantile_interval_of_run
from seawall.stats.errors import StatsError
from seawall.stats.quantiles import FloatArray, quantile

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Window:
    """The judged part of a trial, monotonic nanoseconds; the requests *intended* in it are judged."""

    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end_ns - self.start_ns) / 1e9

    def holds(self, times_ns: Int64s) -> Bools:
        """Tell which times lie in it."""
        inside: Bools = (times_ns >= self.start_ns) & (times_ns < self.end_ns)
        return inside


def quantiles_ms(values_ns: Int64s, censored: int = 0) -> Quantiles:
    """Return the distribution in ms; *censored* counts further values that are only known to be larger."""
    values: FloatArray = values_ns.astype(np.float64) / 1e6
    return Quantiles(
        p50=_rounded(quantile(values, 0.5, censored)),
        p95=_rounded(quantile(values, 0.95, censored)),
        p99=_rounded(quantile(values, 0.99, censored)),
        max=_rounded(float(values.max())) if len(values) and not censored else None,
        mean=_rounded(float(values.mean())) if len(values) and not censored else None,
        samples=len(values) + censored,
    )


def with_interval(quantiles: Quantiles, at_ns: Int64s, values_ns: Int64s) -> Quantiles:
    """Add the 95 % interval of p95 over the requests intended *at_ns*; without one where the run cannot tell."""
    if quantiles.p95 is None or quantiles.samples != len(values_ns):
        return quantiles
    try:
        found = quantile_interval_of_run(at_ns, values_ns.astype(np.float64) / 1e6, 0.95).interval
    except StatsError:
        return quantiles
    low, high = (end if math.isfinite(end) else None for end in (found.low, found.high))
    return msgspec.structs.replace(quantiles, p95_low=_rounded(low), p95_high=_rounded(high))


def response_time(ledger: Ledger, judged: Bools, unsent: int) -> Quantiles:
    """Return the distribution of answered minus intended; what was not answered or not sent is censored."""
    accepted = judged & ledger.accepted
    values_ns = ledger.answered_ns[accepted] - ledger.intended_ns[accepted]
    found = quantiles_ms(values_ns, unsent + int((judged & (ledger.status == 0)).sum()))
    return with_interval(found, ledger.intended_ns[accepted], values_ns)


def visible_delay(ledger: Ledger, visible_ns: Int64s, judged: Bools) -> Quantiles:
    """Return the distribution of visible minus intended; accepted records that never became visible are censored."""
    chosen = judged & ledger.accepted
    seen = chosen & (visible_ns != NEVER)
    values_ns = visible_ns[seen] - ledger.intended_ns[seen]
    return with_interval(quantiles_ms(values_ns, int(chosen.sum() - seen.sum())), ledger.intended_ns[seen], values_ns)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
