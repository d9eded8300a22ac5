"""What a measured figure says about a target."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf, isfinite, isnan
from typing import Any

from seawall.result import Outcome
from seawall.targets.target import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """A figure in the unit of its metric, with the ends of its 95 % interval."""

    value: float | None
    """None where nothing was measured; infinite where the quantile falls among requests that were never answered."""
    low: float | None = None
    high: float | None = None
    """An end that is None is unknown: as far away as can be."""
    samples: int = 0
    """Requests, records, windows or trials: what the metric is taken over."""
    reason_invalid: str | None = None
    """Why the figure says nothing about the service, such as "the generator itself was late"; None where it does."""

    @classmethod
    def exact(cls, value: float, *, samples: int = 1, reason_invalid: str | None = None) -> Measurement:
        """Return a figure that is counted and not estimated, so that its interval is itself."""
        return cls(value=value, low=value, high=value, samples=samples, reason_invalid=reason_invalid)

    @property
    def interval(self) -> tuple[float, float]:
        """The interval, widened to the figure where rounding left that outside."""
        assert self.value is not None
        low = -inf if self.low is None else self.low
        high = inf if self.high is None else self.high
        return min(low, self.value), max(high, self.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetOutcome:
    """How a target came out, and why, in a sentence."""

    target: Target
    measurement: Measurement
    outcome: Outcome
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Return one element of `targets` in `result.json`; what is unknown or infinite is None there."""
        measured = self.measurement
        return {
            "set": str(self.target.set),
            "name": self.target.name,
            "metric": self.target.metric.name,
            "scope": str(self.target.scope),
            "limit": str(self.target.limit),
            "measured": _finite(measured.value),
            "ci_low": _finite(measured.low),
            "ci_high": _finite(measured.high),
            "samples": measured.samples,
            "outcome": str(self.outcome),
            "reason": self.reason,
        }


def judge(target: Target, measured: Measurement) -> TargetOutcome:
    """Judge *target*: PASS or FAIL where the whole interval keeps to the limit or misses it, else INCONCLUSIVE.

    INVALID where there is no figure, too few samples or a reason why it says nothing. What the audit counted beyond
    the limit is FAIL even then: a slow generator does not lose records.
    """
    outcome, reason = _judged(target, measured)
    return TargetOutcome(target=target, measurement=measured, outcome=outcome, reason=reason)


def judge_all(targets: Iterable[Target], measure: Callable[[Target], Measurement]) -> list[TargetOutcome]:
    """Judge each of *targets* by what *measure* says of it."""
    return [judge(target, measure(target)) for target in targets]


def _judged(target: Target, measured: Measurement) -> tuple[Outcome, str]:
    counted = target.metric.of_records
    figure = measured.value
    if counted and figure is not None and target.metric.can_be(figure) and not target.limit.meets(figure):
        return Outcome.FAIL, f"{_told(target, measured)} misses {target.limit}"
    says_nothing = measured.reason_invalid or _shortcoming(target, measured)
    if says_nothing is not None:
        return Outcome.INVALID, says_nothing
    met = {target.limit.meets(end) for end in measured.interval}
    if counted or met == {True}:
        return Outcome.PASS, f"{_told(target, measured)} keeps to {target.limit}"
    if met == {False}:
        return Outcome.FAIL, f"{_told(target, measured)} misses {target.limit}"
    return (
        Outcome.INCONCLUSIVE,
        f"{_told(target, measured)} straddles {target.limit}: more trials or a longer run could tell",
    )


def _shortcoming(target: Target, measured: Measurement) -> str | None:
    """Return why nothing can be said by this figure, if so: an instrument's slip is told, not judged by."""
    metric, low, high = target.metric, measured.low, measured.high
    if measured.value is None:
        return f"no {metric.name} of {target.scope} was measured"
    if not metric.can_be(measured.value):
        return f"the instrument measured {measured.value}, which {metric.name} cannot be"
    if any(end is not None and isnan(end) for end in (low, high)):
        return f"the interval of {metric.name} is not a number"
    if low is not None and high is not None and low > high:
        return f"the interval of {metric.name} ends before it begins: {low} to {high}"
    if measured.samples < metric.smallest_sample:
        return f"too few samples: {measured.samples}, and {metric.name} takes {metric.smallest_sample}"
    return None


def _told(target: Target, measured: Measurement) -> str:
    unit = target.metric.unit
    assert measured.value is not None
    if target.metric.of_records:
        return unit.show(measured.value)
    figure, low, high = (_legible(number) for number in (measured.value, *measured.interval))
    # Two trials that disagree give an interval of any length: that says the same as none.
    if isfinite(figure) and figure > 0:
        low, high = (low if low * _FAR >= figure else -inf), (high if high <= figure * _FAR else inf)
    if low == high:
        return unit.show(figure)
    if not (isfinite(low) or isfinite(high)):
        return f"{unit.show(figure)}, of unknown interval,"
    if not isfinite(high):
        return f"{unit.show(figure)} ({unit.show(low)} or more)"
    if not isfinite(low):
        return f"{unit.show(figure)} ({unit.show(high)} or less)"
    return f"{unit.show(figure)} ({unit.show(low)} to {unit.show(high)})"


_FAR = 1_000


def _legible(number: float) -> float:
    """Round to five digits, which tells 199.96 from 200 and leaves out what no run can repeat."""
    return float(f"{number:.5g}")


def _finite(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) else None
