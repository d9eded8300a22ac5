"""The search for the highest load that holds, on services whose capacity is known."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from seawall.stats.capacity import CapacitySearch, Knee, Limit, Step
from seawall.stats.errors import BadFigures


def found(step_of: Callable[[float], Step], *, most: float = 40_000, most_steps: int = 24) -> tuple[Knee, list[float]]:
    """Return the knee of a service, and the loads that were tried."""
    search = CapacitySearch(start=2_000, least=50, most=most, most_steps=most_steps)
    tried = []
    while (load := search.next_load) is not None:
        tried.append(load)
        search.note(load, step_of(load))
        assert len(tried) <= most_steps
    return search.knee(), tried


def breaks_above(capacity: float) -> Callable[[float], Step]:
    """Return a service that holds up to *capacity*."""
    return lambda load: Step.HELD if load <= capacity else Step.BROKE


@pytest.mark.parametrize("capacity", [55, 300, 1_999, 2_000, 2_100, 14_900, 15_000, 39_000])
def test_the_knee_is_bracketed_and_both_ends_are_tried_twice(capacity: float) -> None:
    """Within 5 %, whether the first load holds or breaks."""
    knee, tried = found(breaks_above(capacity))
    assert knee.last_pass is not None
    assert knee.first_fail is not None
    assert knee.last_pass <= capacity < knee.first_fail
    assert knee.first_fail / knee.last_pass <= 1.06
    assert knee.limit is Limit.TARGETS
    assert knee.confirmed
    assert tried.count(knee.last_pass) == tried.count(knee.first_fail) == 2
    assert len(tried) <= 20


def test_a_knee_is_found_in_a_dozen_steps_from_the_usual_start() -> None:
    """Each step takes half a minute."""
    _, tried = found(breaks_above(15_500))
    assert len(tried) <= 13


def test_what_breaks_nowhere_is_limited_by_what_was_to_be_tried() -> None:
    """The highest load is tried twice, and no load beyond it."""
    knee, tried = found(breaks_above(1e9), most=10_000)
    assert knee == Knee(10_000, None, Limit.MOST, confirmed=True)
    assert max(tried) == 10_000


def test_what_holds_nowhere_has_no_knee() -> None:
    """The least load breaks twice."""
    knee, tried = found(breaks_above(0))
    assert knee == Knee(None, 50, Limit.TARGETS, confirmed=True)
    assert tried.count(50) == 2


def test_a_load_that_cannot_be_offered_ends_the_search_and_is_no_failure() -> None:
    """It is tried again first; the knee then says that the instrument is the limit."""
    knee, tried = found(lambda load: Step.HELD if load <= 9_000 else Step.UNTOLD)
    assert knee.limit is Limit.INSTRUMENT
    assert knee.last_pass is not None
    assert knee.last_pass <= 9_000
    assert tried.count(10_100) == 2


def test_one_odd_trial_moves_nothing() -> None:
    """A stall of the machine at a load that holds is outvoted; so is a lucky trial at one that breaks."""
    odd = {6_750.0: Step.BROKE, 15_200.0: Step.HELD}

    def service(load: float) -> Step:
        return odd.pop(load) if load in odd else breaks_above(15_000)(load)

    knee, _ = found(service)
    assert knee.last_pass is not None
    assert 14_000 <= knee.last_pass <= 15_000
    assert not odd


def test_the_same_noisy_service_has_the_same_knee() -> None:
    """Where a load near the knee holds by chance, nine of ten searches agree within 10 %."""
    knees = []
    for seed in range(200):
        rng = random.Random(seed)

        def service(load: float, rng: random.Random = rng) -> Step:
            return Step.HELD if load <= 12_000 * rng.gauss(1, 0.03) else Step.BROKE

        knee, _ = found(service)
        assert knee.last_pass is not None
        knees.append(knee.last_pass)
    near = sum(11_400 / 1.05 <= knee <= 12_600 for knee in knees)
    assert near >= 180


def test_a_search_that_runs_out_of_steps_says_so() -> None:
    """What is known by then is still there."""
    knee, tried = found(breaks_above(15_000), most_steps=6)
    assert len(tried) == 6
    assert not knee.confirmed
    assert knee.last_pass == 10_100


def test_nothing_to_search_is_an_error() -> None:
    """Bounds that do not hold the start, and steps that do not rise."""
    with pytest.raises(BadFigures, match="bounds"):
        CapacitySearch(start=10, least=20, most=30)
    with pytest.raises(BadFigures, match="steps"):
        CapacitySearch(start=10, least=5, most=30, factor=1)
