"""Paces."""

import copy

import numpy as np
import pytest

from seawall.load.pace import Arrival, AsFastAsAnswered, NotStarted, Poisson, Scheduled, Tickets, phase_of, schedule_of

SECOND = 10**9


def drain(pace: Scheduled, now_ns: int = 0) -> list[int]:
    """Return all intended times of *pace*."""
    times = []
    while (intended := pace.next_ns(now_ns)) is not None:
        times.append(intended)
    return times


@pytest.mark.parametrize(
    ("rate", "seconds", "phase", "expected"), [(10, 2, 0.0, 20), (10, 2, 0.99, 20), (1, 1, 0.5, 1), (3, 10, 0.0, 31)]
)
def test_holds_rate_times_duration_requests(rate: float, seconds: int, phase: float, expected: int) -> None:
    """The schedule holds what was asked for; at 3 a second the interval's rounding leaves room for one more."""
    pace = Scheduled(rate, 0, seconds * SECOND, phase)
    assert pace.remaining() == expected
    assert len(drain(pace)) == expected


def test_a_late_user_does_not_move_the_schedule() -> None:
    """However late the clock is, intended times stay where they were."""
    assert drain(Scheduled(5, 7, 7 + SECOND, 0.25), now_ns=99 * SECOND) == drain(Scheduled(5, 7, 7 + SECOND, 0.25))


def test_phases_spread_users_over_the_first_interval() -> None:
    """A thousand users fill every tenth of the interval about evenly, and equal seeds give equal phases."""
    phases = [phase_of(1, user) for user in range(1_000)]
    tenths = [sum(tenth / 10 <= phase < (tenth + 1) / 10 for phase in phases) for tenth in range(10)]
    assert min(tenths) > 60
    assert phases == [phase_of(1, user) for user in range(1_000)]


def test_users_of_a_known_number_have_the_same_moments_in_their_order() -> None:
    """Nothing of the load changes but who sends when; random arrivals are each user's own."""

    def first(arrival: Arrival, user: int, users: int | None) -> int:
        found = schedule_of(arrival, 1.0, 0, None, seed=3, user=user, users=users).next_ns(0)
        assert found is not None
        return found

    drawn = [first("uniform", user, None) for user in range(500)]
    ordered = [first("uniform", user, 500) for user in range(500)]
    assert ordered == sorted(drawn)
    assert drawn != ordered
    assert [first("poisson", user, 9) for user in range(9)] == [first("poisson", user, None) for user in range(9)]


def test_tickets_are_shared_and_end() -> None:
    """Two users take five tickets between them, each at the moment it asks."""
    tickets = Tickets(5)
    paces = [AsFastAsAnswered(tickets), AsFastAsAnswered(tickets)]
    assert [paces[turn % 2].next_ns(turn) for turn in range(7)] == [0, 1, 2, 3, 4, None, None]


def test_a_rate_of_nothing_is_refused() -> None:
    """A rate of 0 has no schedule."""
    with pytest.raises(ValueError, match="above 0"):
        Scheduled(0, 0, None, 0)


def poisson(seed: str, seconds: int = 100, rate: float = 10.0, *, end: bool = True) -> Poisson:
    """Return a random schedule."""
    return Poisson(rate, 5, 5 + seconds * SECOND if end else None, seed)


def test_random_gaps_keep_the_rate_and_are_exponential() -> None:
    """A hundred users together send what the rate asks for, and a gap's spread equals its mean."""
    times = [drain(poisson(f"1/{user}")) for user in range(100)]
    assert sum(map(len, times)) == pytest.approx(100_000, rel=0.015)
    gaps = np.concatenate([np.diff(one) for one in times])
    assert gaps.mean() == pytest.approx(0.1 * SECOND, rel=0.02)
    assert gaps.std() == pytest.approx(0.1 * SECOND, rel=0.03)


def test_random_schedules_follow_from_the_seed_alone() -> None:
    """Equal seeds give equal times however late the clock is, other seeds others."""
    assert drain(poisson("a")) == drain(poisson("a"), now_ns=10**15)
    assert drain(poisson("a")) != drain(poisson("b"))


@pytest.mark.parametrize("pace", [Scheduled(7.0, 5, 5 + 9 * SECOND, 0.3), poisson("c", 9, 7.0)])
def test_what_is_left_and_what_is_due_are_exact(pace: Scheduled) -> None:
    """Both are counted without moving the schedule, at every step."""
    times = drain(copy.deepcopy(pace))
    for handed_out in range(len(times) + 1):
        assert pace.remaining() == len(times) - handed_out
        for now_ns in (0, times[4], times[4] - 1, 5 + 9 * SECOND, 99 * SECOND):
            assert pace.due(now_ns) == sum(time_ns <= now_ns for time_ns in times[handed_out:])
        assert pace.next_ns(0) == (times[handed_out] if handed_out < len(times) else None)


def test_a_schedule_without_an_end_is_due_up_to_now() -> None:
    """A plain run has no end, and yet what it owes can be counted."""
    assert Scheduled(10.0, 0, None, 0.0).due(SECOND) == 11
    ended, endless = poisson("d"), poisson("d", end=False)
    assert endless.due(50 * SECOND) == ended.due(50 * SECOND) > 400


def test_a_user_that_never_started_is_said() -> None:
    """The message says what its class forgot."""
    with pytest.raises(RuntimeError, match=r"super\(\).on_start\(\)"):
        NotStarted().next_ns(0)
