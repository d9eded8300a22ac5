"""Turns a trial's ledger and its rows' times into the figures of `seawall.result.Trial`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seawall.audit.ledger import Int64s, Ledger
from seawall.audit.visibility import NEVER
from seawall.result import Quantiles
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


def visible_delay(ledger: Ledger, visible_ns: Int64s, judged: Bools) -> Quantiles:
    """Return the distribution of visible minus intended; accepted records that never became visible are censored."""
    chosen = judged & ledger.accepted
    seen = chosen & (visible_ns != NEVER)
    return quantiles_ms(visible_ns[seen] - ledger.intended_ns[seen], int(chosen.sum() - seen.sum()))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
