"""When the users of a trial's load are meant to send."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.load.pace import schedule_of
from seawall.load.profile import Curve
from seawall.load.profiled import times_of
from seawall.load.trial import TrialLoad


def moments(load: TrialLoad, user: int, start_ns: int) -> Iterator[int]:
    """Yield all intended times of *user*, monotonic, in a trial that keeps a rate, or follows a profile, for a time."""
    if load.profile is not None:
        curve = Curve(load.profile)
        times_ns = times_of(curve, load.arrival, seed=load.seed, place=user, places=load.users)
        yield from (start_ns + after_ns for after_ns in times_ns)
        return
    end_ns = start_ns + int((load.warmup_s + load.duration_s) * 1e9)
    pace = schedule_of(
        load.arrival, load.rate_per_s or 0.0, start_ns, end_ns, seed=load.seed, user=user, users=load.users
    )
    while (intended_ns := pace.next_ns(0)) is not None:
        yield intended_ns
