"""Slopes of a soak's figures against their limits, from readings made up for the purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from seawall.experiments.slopes import Series, longest_sitting, slopes_of
from seawall.experiments.soak import outcome_of, reasons_of
from seawall.experiments.validity import Limits
from seawall.result import (
    JudgedTarget,
    LagFigures,
    Outcome,
    Quantiles,
    SlopeFinding,
    SoakSegment,
    Trial,
)

LIMITS = Limits(response_ms=200.0, visible_ms=1_000.0)
HOUR_S = 3_600.0
SEGMENT_S = 60.0


def trial(number: int, **changes: Any) -> Trial:
    """Return a segment's trial that came out clean."""
    figures = {
        "name": f"kafka-segment-{number:04d}", "kind": "load", "arm": "kafka", "block": number, "entity": "mixed",
        "started_at": "", "users": 10, "offered_per_s": 1_000.0, "duration_s": SEGMENT_S,
        "response_ms": Quantiles(p95=20.0), "visible_ms": Quantiles(p95=60.0), "lag": LagFigures(maximum=40),
        "open_files": {"api": 30, "kafka-1": 200 + 100 * number}, **changes,
    }  # fmt: skip
    return Trial(**figures)


def row(count: int, sitting: int = 1, warm_up: int = 0, **changes: Any) -> tuple[list[SoakSegment], list[Trial]]:
    """Return so many segments, the first *warm_up* of them not judged."""
    trials = [
        trial(number, **{name: of(number) if callable(of) else of for name, of in changes.items()})
        for number in range(1, count + 1)
    ]
    segments = [
        SoakSegment(trial=one.name, sitting=sitting, at_s=SEGMENT_S * place, warm_up=place < warm_up)
        for place, one in enumerate(trials)
    ]
    return segments, trials


def memory(rising_per_h: float, noise: float = 0.0, of: str = "api") -> Any:
    """Return what gives a process 100 MB that rise by so much an hour, in per cent, read once a second."""

    def readings(segments: Sequence[SoakSegment]) -> Mapping[str, Series]:
        at_s = np.concatenate([segment.at_s + np.arange(SEGMENT_S) for segment in segments])
        wobble = np.random.default_rng(1).normal(size=len(at_s)) * noise
        return {of: (at_s, 100e6 * (1 + rising_per_h / 100 * at_s / HOUR_S) + wobble)}

    return readings


def found(slopes: list[SlopeFinding], service: str, metric: str) -> SlopeFinding:
    """Return one of the slopes."""
    return next(slope for slope in slopes if (slope.service, slope.metric) == (service, metric))


@pytest.mark.parametrize(
    ("rising", "noise", "service", "outcome"),
    [
        (5.0, 2e4, "api", Outcome.FAIL),
        (5.0, 2e4, "load", Outcome.FAIL),
        (5.0, 2e4, "sink-1", Outcome.FAIL),
        (1.5, 2e4, "api", Outcome.INCONCLUSIVE),
        (0.0, 2e4, "api", Outcome.PASS),
        (-5.0, 2e4, "api", Outcome.PASS),
        (5.0, 2e4, "postgres", None),
        (5.0, 2e4, "kafka-1", None),
    ],
)
def test_memory_that_grows_by_five_per_cent_an_hour_is_a_leak(
    rising: float, noise: float, service: str, outcome: Outcome | None
) -> None:
    """An hour tells it from level memory and from an arena or two; what database and brokers keep may grow."""
    segments, trials = row(60)
    slope = found(slopes_of(segments, trials, memory(rising, noise, service), LIMITS, 3_600.0), service, "memory")
    assert slope.outcome is outcome
    assert slope.per_hour == pytest.approx(rising, abs=0.2)
    assert slope.samples == 3_600


def test_ten_minutes_find_a_fast_leak_and_leave_a_slow_one_open() -> None:
    """Fifty per cent an hour are eight megabytes in ten minutes; five are less than one, as an allocator takes it."""
    segments, trials = row(10)
    fast = found(slopes_of(segments, trials, memory(50.0), LIMITS, 600.0), "api", "memory")
    slow = found(slopes_of(segments, trials, memory(5.0), LIMITS, 600.0), "api", "memory")
    assert (fast.outcome, slow.outcome) == (Outcome.FAIL, Outcome.INCONCLUSIVE)
    assert "a run of about 26 minutes" in slow.reason


def test_readings_that_are_too_few_or_too_wild_say_how_long_a_soak_would_tell() -> None:
    """No verdict is made of them."""
    segments, trials = row(5)
    wild = found(slopes_of(segments, trials, memory(0.0, 5e6), LIMITS, 300.0), "api", "memory")
    assert wild.outcome is Outcome.INCONCLUSIVE
    assert "a run of about" in wild.reason
    times = found(slopes_of(segments, trials, memory(0.0), LIMITS, 300.0), "kafka", "response_p95")
    assert (times.outcome, times.per_hour) == (Outcome.INCONCLUSIVE, None)
    assert "measure 6" in times.reason


def test_what_a_start_leaves_behind_is_no_slope() -> None:
    """A minute of growth is shown and not judged, and neither is a minute of calm."""
    segments, trials = row(3)
    for rising in (0.0, 400.0):
        slope = found(slopes_of(segments, trials, memory(rising), LIMITS, 300.0), "api", "memory")
        assert slope.outcome is Outcome.INCONCLUSIVE
        assert slope.per_hour == pytest.approx(rising, rel=0.2, abs=0.1)
        assert "240 s are the least" in slope.reason


@pytest.mark.parametrize(
    ("changes", "metric", "outcome"),
    [
        ({}, "response_p95", Outcome.PASS),
        ({"response_ms": lambda n: Quantiles(p95=20.0 + n)}, "response_p95", Outcome.FAIL),
        ({"response_ms": lambda n: Quantiles(p95=20.0 + n / 60)}, "response_p95", Outcome.PASS),
        ({"visible_ms": lambda n: Quantiles(p95=60.0 + 2 * n)}, "visible_p95", Outcome.FAIL),
        ({"lag": lambda n: LagFigures(maximum=40 + 20 * n)}, "lag_maximum", Outcome.FAIL),
        ({"lag": lambda n: LagFigures(maximum=40 + n % 2)}, "lag_maximum", Outcome.PASS),
    ],
)
def test_times_and_lag_that_would_reach_their_targets_within_a_day_fail(
    changes: dict[str, Any], metric: str, outcome: Outcome
) -> None:
    """A millisecond an hour reaches nothing; one a minute does."""
    segments, trials = row(12, **changes)
    assert found(slopes_of(segments, trials, memory(0.0), LIMITS, 720.0), "kafka", metric).outcome is outcome


def test_files_that_are_opened_and_not_closed_fail() -> None:
    """Five a minute are a leak of the API; a broker's hundred a minute are its log."""
    segments, trials = row(12, open_files=lambda n: {"api": 30 + 5 * n, "kafka-1": 200 + 100 * n})
    slopes = slopes_of(segments, trials, memory(0.0), LIMITS, 720.0)
    assert found(slopes, "api", "open_files").outcome is Outcome.FAIL
    assert found(slopes, "kafka-1", "open_files").outcome is None
    level, calm = row(12)
    assert found(slopes_of(level, calm, memory(0.0), LIMITS, 720.0), "api", "open_files").outcome is Outcome.PASS


def test_a_server_that_began_anew_has_no_slope() -> None:
    """Its memory did too, and the soak fails for its death."""
    segments, trials = row(10)
    trials[4] = trial(5, restarts={"api": 1})
    slopes = slopes_of(segments, trials, memory(0.0), LIMITS, 600.0)
    assert found(slopes, "api", "memory").outcome is Outcome.INVALID
    assert outcome_of(trials, slopes, [], whole=True) is Outcome.FAIL
    assert "kafka-segment-0005: api died and came back once" in reasons_of(trials, slopes)


def test_only_the_longest_sitting_is_judged_and_its_warm_up_is_not() -> None:
    """Servers of another sitting are other processes."""
    first, _ = row(5, sitting=1, warm_up=2)
    second, _ = row(9, sitting=2, warm_up=2)
    third, _ = row(9, sitting=3, warm_up=2)
    assert [segment.sitting for segment in longest_sitting(first + second)] == [2] * 7
    assert [segment.sitting for segment in longest_sitting(first + second + third)] == [3] * 7
    assert longest_sitting(first[:2]) == []


def slope(outcome: Outcome | None) -> SlopeFinding:
    """Return a slope that came out so."""
    return SlopeFinding(service="api", metric="memory", unit="%", outcome=outcome)


def target(outcome: Outcome) -> JudgedTarget:
    """Return a target that came out so."""
    return JudgedTarget(
        set="always", name="t", metric="response_p95_ms", scope="write", limit="< 1 s", arm="kafka", trials=1,
        outcome=outcome,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("slopes", "targets", "trials", "whole", "outcome"),
    [
        ([Outcome.PASS, None], [Outcome.PASS], [], True, Outcome.PASS),
        ([Outcome.INCONCLUSIVE], [Outcome.PASS], [], True, Outcome.INCONCLUSIVE),
        ([Outcome.PASS], [Outcome.FAIL], [], True, Outcome.FAIL),
        ([Outcome.FAIL], [Outcome.PASS], [], False, Outcome.FAIL),
        ([Outcome.PASS], [Outcome.PASS], [], False, Outcome.INVALID),
        ([Outcome.PASS], [Outcome.PASS], [Outcome.INVALID] * 3, True, Outcome.INVALID),
        ([Outcome.PASS], [Outcome.PASS], [Outcome.INVALID], True, Outcome.PASS),
        ([Outcome.PASS], [Outcome.PASS], [Outcome.INCONCLUSIVE], True, Outcome.INCONCLUSIVE),
        ([Outcome.PASS], [Outcome.PASS], [Outcome.FAIL], False, Outcome.FAIL),
    ],
)
def test_a_soak_passes_where_nothing_creeps_up_and_nothing_is_missed(
    slopes: list[Outcome | None],
    targets: list[Outcome],
    trials: list[Outcome],
    whole: bool,  # noqa: FBT001 - a row of the table
    outcome: Outcome,
) -> None:
    """One segment that says nothing among many leaves a verdict; most of them do not."""
    ran = [trial(n, outcome=one) for n, one in enumerate(trials + [Outcome.PASS] * 2)]
    assert outcome_of(ran, [*map(slope, slopes)], [*map(target, targets)], whole=whole) is outcome
