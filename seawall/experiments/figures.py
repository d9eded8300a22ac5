"""Turns a trial's ledger and its rows' times into the figures of `seawall.result.Trial`."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, islice, pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from seawall.audit.ledger import NEVER, Int64s, Ledger
from seawall.load.trial import TrialDone, TrialLoad
from seawall.load.trial_schedule import moments
from seawall.result import Course, Quantiles
from seawall.stats.availability import availability
from seawall.stats.dependence import quantile_interval_of_run
from seawall.stats.errors import StatsError
from seawall.stats.quantiles import FloatArray, quantile
from seawall.stats.steadiness import is_steady

Bools = npt.NDArray[np.bool_]
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
COURSE_POINTS = 20
"""Into so many windows at least the judged time is cut to see whether it was steady; none longer than a second."""


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


def cpu_of_database(cpu_s: Mapping[str, float]) -> float:
    """Return the processor time of whichever database there is, by the names of servers."""
    return cpu_s.get("postgres", cpu_s.get("mariadb", 0.0))


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


def with_intervals(
    quantiles: Quantiles, at_ns: Int64s, values_ns: Int64s, censored_at_ns: Int64s | None = None
) -> Quantiles:
    """Add the 95 % intervals over the requests intended *at_ns*; none where the run cannot tell.

    *censored_at_ns* tells when those were due whose values are only known to be larger than all others.
    """
    values: FloatArray = values_ns.astype(np.float64) / 1e6
    if censored_at_ns is not None:
        at_ns = np.concatenate([at_ns, censored_at_ns])
        values = np.concatenate([values, np.full(len(censored_at_ns), np.inf)])
    if quantiles.samples != len(values):
        return quantiles
    ends: dict[str, float | None] = {}
    for name, share in SHARES.items():
        if getattr(quantiles, name) is None:
            continue
        with contextlib.suppress(StatsError):
            found = quantile_interval_of_run(at_ns, values, share).interval
            low, high = (end if math.isfinite(end) else None for end in (found.low, found.high))
            ends |= {f"{name}_low": _rounded(low), f"{name}_high": _rounded(high)}
    return msgspec.structs.replace(quantiles, **ends)


def response_time(ledger: Ledger, judged: Bools, unsent: int) -> Quantiles:
    """Return the distribution of answered minus intended; what was not answered or not sent is censored.

    Of each user's schedule it is the end that was not sent, so for the intervals that stands at the run's end.
    """
    accepted = judged & ledger.succeeded
    values_ns = ledger.answered_ns[accepted] - ledger.intended_ns[accepted]
    unanswered_ns = ledger.intended_ns[judged & (ledger.status == 0)]
    last_ns = ledger.intended_ns.max() if len(ledger.intended_ns) else 0
    censored_at_ns = np.concatenate([unanswered_ns, np.full(unsent, last_ns, dtype=np.int64)])
    found = quantiles_ms(values_ns, len(censored_at_ns))
    return with_intervals(found, ledger.intended_ns[accepted], values_ns, censored_at_ns)


def visible_delay(ledger: Ledger, visible_ns: Int64s, judged: Bools) -> Quantiles:
    """Return the distribution of visible minus intended; accepted records that never became visible are censored."""
    chosen = judged & ledger.accepted
    seen = chosen & (visible_ns != NEVER)
    values_ns = visible_ns[seen] - ledger.intended_ns[seen]
    return with_intervals(quantiles_ms(values_ns, int(chosen.sum() - seen.sum())), ledger.intended_ns[seen], values_ns)


def course_of(window: Window, warmup_s: float, at_ns: Int64s, values_ns: Int64s) -> Course:
    """Return how the median of *values_ns* moved over the requests intended *at_ns*, the warm-up included."""
    step_s = min(1.0, window.seconds / COURSE_POINTS)
    before = math.floor(warmup_s / step_s)
    begin_ns = window.start_ns - int(before * step_s * 1e9)
    count = before + math.floor(window.seconds / step_s + 1e-9)
    place = ((at_ns - begin_ns) / (step_s * 1e9)).astype(np.int64)
    inside = (at_ns >= begin_ns) & (place < count)
    place, values = place[inside], values_ns[inside].astype(np.float64) / 1e6
    edges = np.searchsorted(place[order := np.argsort(place, kind="stable")], np.arange(count + 1))
    parts = [values[order[low:high]] for low, high in pairwise(edges)]
    if not all(map(len, parts)):
        return Course()
    series = np.array([float(np.median(part)) for part in parts])
    try:
        found = is_steady(series, before)
    except StatsError:
        return Course()
    drift, median = found.drift.estimate, float(np.median(series[before:]))
    moved_ms = drift * median if found.drift.excludes(0.0) else float(np.ptp(series))
    return Course(
        steady=found.steady,
        drift=round(drift, 4),
        drift_ms=round(moved_ms, 3),
        reasons=list(found.reasons),
    )


def windows_available(
    ledger: Ledger, window: Window, unsent_ns: Int64s, chosen: Bools | None = None
) -> tuple[int, int]:
    """Return how many whole seconds were offered requests, and in how many of them nearly all succeeded.

    Of all requests, or of the *chosen* ones.
    """
    mine = slice(None) if chosen is None else chosen
    intended_ns = np.concatenate([ledger.intended_ns[mine], unsent_ns])
    succeeded = np.concatenate([ledger.succeeded[mine], np.zeros(len(unsent_ns), dtype=bool)])
    # Seconds since the window's start: a whole uptime in seconds would not keep nanoseconds apart.
    offered_s = (intended_ns - window.start_ns) / 1e9
    try:
        found = availability(offered_s, succeeded, 0.0, window.seconds)
    except StatsError:
        return 0, 0
    return found.windows, found.available


def unsent_times(load: TrialLoad, done: TrialDone, ledger: Ledger) -> Int64s:
    """Return when the requests were meant to be sent that the schedule held and that were never sent.

    A late request is sent before the next, so of each user's schedule it is the end that is missing.
    """
    if done.planned <= done.sent or load.rate_per_s is None:
        return np.zeros(0, dtype=np.int64)
    return missing_times(load, done.start_ns, ledger)


def missing_times(load: TrialLoad, start_ns: int, ledger: Ledger) -> Int64s:
    """Return which moments of the schedule that began at *start_ns* are in no request of the ledger, as above."""
    sent = np.bincount(ledger.user, minlength=load.users)
    missing = [list(islice(moments(load, user, start_ns), int(sent[user]), None)) for user in range(load.users)]
    return np.array(list(chain.from_iterable(missing)), dtype=np.int64)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
