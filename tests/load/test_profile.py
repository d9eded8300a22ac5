"""A profile's moments are those at which its integrated rate reaches each count, whoever they are dealt out to."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.load.pace import Arrival
from seawall.load.profile import Curve, Profile, Stage
from seawall.load.profiled import AlongProfile, times_of
from seawall.stats.quantiles import FloatArray

few = settings(max_examples=40)


def stage(duration_s: float, from_per_s: float, to_per_s: float) -> Stage:
    """Return a stage without a name."""
    return Stage(name="", duration_s=duration_s, from_per_s=from_per_s, to_per_s=to_per_s)


rates = st.floats(0.5, 200)
profiles = st.lists(st.builds(stage, st.floats(0.1, 3), rates, rates), min_size=1, max_size=5).map(
    lambda stages: Profile(name="any", stages=tuple(stages))
)
HILL = Profile(name="hill", stages=(stage(2, 0, 100), stage(3, 100, 100), stage(2, 100, 0)))


def union(profile: Profile, arrival: Arrival, places: int) -> list[int]:
    """Return the moments of all places."""
    curve = Curve(profile)
    return sorted(
        chain.from_iterable(times_of(curve, arrival, seed=3, place=place, places=places) for place in range(places))
    )


def integral(profile: Profile, at_s: FloatArray) -> FloatArray:
    """Return the integrated rate at each moment, added up stage by stage."""
    found, begin_s = np.zeros_like(at_s), 0.0
    for one in profile.stages:
        into_s = np.clip(at_s - begin_s, 0.0, one.duration_s)
        rate = one.from_per_s + (one.to_per_s - one.from_per_s) * into_s / one.duration_s
        found += (one.from_per_s + rate) / 2 * into_s
        begin_s += one.duration_s
    return found


@few
@given(profiles)
def test_each_moment_is_where_the_integrated_rate_reaches_its_count(profile: Profile) -> None:
    """Integral and inverse agree at every request, and as many are due as the integral has halves between."""
    times = union(profile, "uniform", 1)
    assert integral(profile, np.array(times) / 1e9) == pytest.approx(np.arange(len(times)) + 0.5, abs=1e-4)
    assert abs(len(times) - profile.count) <= 0.5 + 1e-4


@few
@given(profiles, st.integers(1, 12))
def test_users_share_the_same_moments_however_many_they_are(profile: Profile, places: int) -> None:
    """Evenly spaced moments are dealt out in turn."""
    assert union(profile, "uniform", places) == union(profile, "uniform", 1)


def test_moments_at_random_follow_the_rate() -> None:
    """Counts in each half second scatter around the integral as those of a Poisson process do."""
    profile, edges = Profile(name="", stages=(stage(20, 0, 400), stage(20, 400, 400))), np.arange(81) / 2
    expected = np.diff(integral(profile, edges))
    seen = np.histogram(np.array(union(profile, "poisson", 7)) / 1e9, edges)[0]
    dispersion = ((seen - expected) ** 2 / expected).sum()
    assert 40 < dispersion < 130  # chi-square with 80 degrees of freedom: 1 in 1e4 beyond either end


def test_a_stage_holds_what_its_rate_asks_for() -> None:
    """Up, level, down: 100, 300 and 100 requests."""
    moments = union(HILL, "uniform", 9)
    stages = [sum(begin <= at < end for at in moments) for begin, end in HILL.bounds_ns()]
    assert stages == [100, 300, 100]
    assert [one.judged for one in HILL.stages] == [False, True, False]


@pytest.mark.parametrize("arrival", ["uniform", "poisson"])
def test_what_is_due_and_was_not_asked_for_is_counted(arrival: Arrival) -> None:
    """The count is that of the moments that have come, and counting hands none of them out."""
    start = 10**12
    whole = list(times_of(Curve(HILL), arrival, seed=3, place=2, places=5))
    pace = AlongProfile(times_of(Curve(HILL), arrival, seed=3, place=2, places=5), start)
    taken = [pace.next_ns(0) for _ in range(10)]
    now = start + 4 * 10**9
    assert pace.due(now) == pace.due(now) == sum(start + at <= now for at in whole) - 10
    assert pace.due(start + 60 * 10**9) == len(whole) - 10
    rest = list(iter(lambda: pace.next_ns(0), None))
    assert Counter([*taken, *rest]) == Counter(start + at for at in whole)
    assert pace.due(start + 60 * 10**9) == 0
