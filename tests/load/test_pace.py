"""Paces."""

import pytest

from seawall.load.pace import AsFastAsAnswered, Scheduled, Tickets, phase_of

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


def test_tickets_are_shared_and_end() -> None:
    """Two users take five tickets between them, each at the moment it asks."""
    tickets = Tickets(5)
    paces = [AsFastAsAnswered(tickets), AsFastAsAnswered(tickets)]
    assert [paces[turn % 2].next_ns(turn) for turn in range(7)] == [0, 1, 2, 3, 4, None, None]


def test_a_rate_of_nothing_is_refused() -> None:
    """A rate of 0 has no schedule."""
    with pytest.raises(ValueError, match="above 0"):
        Scheduled(0, 0, None, 0)
