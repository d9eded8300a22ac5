"""The metrics that a target may limit: unit, direction, range and scopes of each, in one registry."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from math import ceil, inf, isfinite, log


class Scope(StrEnum):
    """Which requests or records a figure is taken over."""

    WRITE = "write"
    CACHED_LOOKUP = "cached lookup"
    UNCACHED_LOOKUP = "uncached lookup"
    ANALYTICS = "analytics"
    ALL = "all"


class Better(StrEnum):
    """Which way a metric improves."""

    LOWER = "lower"
    HIGHER = "higher"


class Unit(Enum):
    """What a metric counts in; the value maps what may follow a number to its factor, the first as it is printed."""

    MILLISECONDS = (("ms", Decimal(1)), ("s", Decimal(1000)))
    SHARE = (("%", Decimal("0.01")), ("", Decimal(1)))
    PER_SECOND = (("/s", Decimal(1)),)
    COUNT = (("", Decimal(1)),)

    def factor(self, suffix: str) -> Decimal | None:
        """Return what a number with *suffix* is to be multiplied by; None where the unit has no such suffix.

        A number without any is one of the metric's own unit.
        """
        return dict(self.value).get(suffix, None if suffix else Decimal(1))

    def show(self, number: float) -> str:
        """Return *number* as people write it, to four decimals: 143.2 ms, 0.1 %, 10,000 /s."""
        suffix, factor = self.value[0]
        if not isfinite(number):
            return "without end" if number > 0 else str(number)
        shown = f"{number / float(factor):,.4f}".rstrip("0").rstrip(".")
        return f"{shown} {suffix}".rstrip()


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One figure that a target may limit."""

    name: str
    unit: Unit
    better: Better
    scopes: tuple[Scope, ...]
    """Those that a target may name; the first holds where it names none."""
    meaning: str
    lowest: float = 0.0
    highest: float = inf
    """A limit outside *lowest* to *highest* is a slip: of the unit, most often."""
    whole: bool = False
    """The figure is a number of things, so its limit is one, too."""
    smallest_sample: int = 1
    """With fewer samples there is no 95 % interval, and nothing is said."""
    of_records: bool = False
    """The audit counted it: no estimate, no interval, and a miss holds even where the trial is invalid otherwise."""
    zero_only: bool = False
    """A single one is a FAIL, so no other limit exists."""

    def can_be(self, number: float) -> bool:
        """Return whether any service could measure so; NaN and what is below zero or above 100 % is nobody's."""
        return 0 <= number <= (1 if self.unit is Unit.SHARE else inf)


_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_EVERY_SCOPE = (Scope.ALL, Scope.WRITE, Scope.CACHED_LOOKUP, Scope.UNCACHED_LOOKUP, Scope.ANALYTICS)
_WRITES = (Scope.WRITE,)


def _smallest_sample(share: float) -> int:
    # All n samples lie below the quantile with probability share**n; a two-sided interval leaves 2.5 % to that.
    return ceil(log(0.025) / log(share))


def _time(kind: str, quantile: str, scopes: tuple[Scope, ...], meaning: str) -> Metric:
    return Metric(
        name=f"{kind}_{quantile}_ms",
        unit=Unit.MILLISECONDS,
        better=Better.LOWER,
        scopes=scopes,
        meaning=meaning,
        lowest=0.001,
        highest=3_600_000,
        smallest_sample=_smallest_sample(_SHARES[quantile]),
    )


def _count(name: str, meaning: str, *, zero_only: bool = True) -> Metric:
    return Metric(
        name=name,
        unit=Unit.COUNT,
        better=Better.LOWER,
        scopes=_WRITES,
        meaning=meaning,
        whole=True,
        of_records=True,
        zero_only=zero_only,
    )


_ALL = (
    *(_time("response", q, _EVERY_SCOPE, "answered - intended, over all requests of the scope") for q in _SHARES),
    _time("service", "p95", _EVERY_SCOPE, "answered - sent, over all requests of the scope"),
    *(_time("visible", q, _WRITES, "visible - intended, over all accepted records") for q in _SHARES),
    Metric(
        name="error_ratio",
        unit=Unit.SHARE,
        better=Better.LOWER,
        scopes=_EVERY_SCOPE,
        meaning="requests that failed or got no answer, of all that the schedule held",
        highest=1,
    ),
    _count("lost", "records acknowledged that are nowhere: no row, no dead letter, not in the log"),
    _count("pending", "records acknowledged that were still in the log when the time to drain was up"),
    _count("corrupted", "rows whose fields are not those that were sent"),
    _count("phantom", "rows that nobody sent"),
    _count("duplicates", "rows beyond the first of the same record", zero_only=False),
    Metric(
        name="users",
        unit=Unit.COUNT,
        better=Better.HIGHER,
        scopes=(Scope.ALL,),
        meaning="users at the same time, each on its schedule",
        lowest=1,
        highest=100_000_000,
        whole=True,
    ),
    Metric(
        name="writes_per_s",
        unit=Unit.PER_SECOND,
        better=Better.HIGHER,
        scopes=_WRITES,
        meaning="records accepted and visible, a second of the judged time",
        lowest=0.001,
        highest=1_000_000_000,
    ),
    Metric(
        name="availability",
        unit=Unit.SHARE,
        better=Better.HIGHER,
        scopes=_EVERY_SCOPE,
        meaning="one-second windows in which at least 99 % of the offered requests succeeded, of all windows",
        highest=1,
    ),
)

METRICS = {metric.name: metric for metric in _ALL}
"""Every metric by its name, in the order in which they are documented."""
