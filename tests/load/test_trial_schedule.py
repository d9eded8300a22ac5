"""When the users of a trial's load are meant to send."""

from __future__ import annotations

from collections import Counter

from seawall.load.profile import Profile, Stage
from seawall.load.trial import TrialLoad
from seawall.load.trial_schedule import moments

USERS = 7


def load(**rest: object) -> TrialLoad:
    """Return a trial's load."""
    given = {"name": "t", "path": "kafka", "entity": "mixed", "users": USERS, "seed": 3, "directory": "", **rest}
    return TrialLoad(**given)  # type: ignore[arg-type]


def seconds(of: TrialLoad) -> Counter[int]:
    """Return how many requests are due in each second."""
    return Counter((at_ns - 5) // 10**9 for user in range(USERS) for at_ns in moments(of, user, 5))


def test_a_rate_that_stays_is_kept_by_all_users_together() -> None:
    """From the schedule's start to its end, the warm-up included."""
    found = seconds(load(rate_per_s=10.0, warmup_s=1.0, duration_s=4.0))
    assert found == dict.fromkeys(range(5), 10 * USERS)


def test_a_profile_takes_the_place_of_the_rate() -> None:
    """A rate, the way to another, and that one: nothing is left out or doubled where users change hands."""
    stages = [
        Stage(name="", duration_s=2.0, from_per_s=50.0, to_per_s=50.0),
        Stage(name="", duration_s=1.0, from_per_s=50.0, to_per_s=150.0),
        Stage(name="", duration_s=2.0, from_per_s=150.0, to_per_s=150.0),
    ]
    found = seconds(load(rate_per_s=1.0, profile=Profile(name="p", stages=tuple(stages))))
    assert [found[second] for second in range(6)] == [50, 50, 100, 150, 150, 0]
