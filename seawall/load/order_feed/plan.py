"""Which orders a feed sends when: most in time, some late, some too late, and some twice."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]

PLAIN, LATE, TOO_LATE, REPEAT = range(4)
"""What a sending is: a record in time, one whose event time lies back, one whose lies far back, or one sent again."""
SETTLED, SETTLED_S = 30, 1.0
"""Before so many records and so much time nothing is planted: consumers do not know yet how far event time has come."""
UNPACED_STEP_NS = 1_000_000
"""Between the event times of two records of a feed that keeps no rate."""
_NEAR = 50
"""A repeat comes after at most so many other records, or, of every second one, at any later time."""


class FeedPlan(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What the feed's process is asked to send; equal plans send equal records, but for their ids and times."""

    name: str
    directory: str
    """Where its ledger goes."""
    seed: int
    count: int
    """Different records."""
    rate_per_s: float | None = None
    """Of sendings, on a schedule; None sends as fast as the log takes them."""
    late_share: float = 0.0
    late_by_s: float = 0.0
    too_late_share: float = 0.0
    too_late_by_s: float = 0.0
    repeat_share: float = 0.0
    grace_s: float = 10.0
    """How long acknowledgements are awaited in the end."""


class FeedDone(msgspec.Struct, kw_only=True, frozen=True, tag="feed-done"):
    """What the process knows in the end; all else is in its ledger."""

    start_ns: int
    """Monotonic: the first moment of the schedule."""
    end_ns: int
    """Of the last acknowledgement."""
    sent: int
    cpu_s: float
    rss_bytes: int


@dataclass(frozen=True)
class Sendings:
    """What is sent, in order; all arrays have shape ``(sendings,)``."""

    index: Int64s
    """Which record it is, counted from 0."""
    kind: Int64s
    due_ns: Int64s
    """From the schedule's start; all 0 where there is no rate."""
    event_ns: Int64s
    """The record's event time from the schedule's start."""


def sendings(plan: FeedPlan) -> Sendings:
    """Return what *plan* sends, a repeat with the event time of its first sending."""
    rng = np.random.default_rng(plan.seed)
    count = plan.count
    index = np.arange(count)
    kind = np.full(count, PLAIN)
    usable = index[max(SETTLED, round(SETTLED_S * (plan.rate_per_s or 0.0))) :]
    late, too_late, repeats = (
        round(share * count) for share in (plan.late_share, plan.too_late_share, plan.repeat_share)
    )
    chosen = rng.permutation(usable)[: late + too_late]
    kind[chosen[:late]], kind[chosen[late:]] = LATE, TOO_LATE
    again = np.sort(rng.permutation(index[:-1])[:repeats])
    distance = rng.integers(1, _NEAR + 1, len(again))
    distance[::2] = rng.integers(1, np.maximum(2, count - again[::2]))
    after = np.minimum(again + distance, count - 1)
    # a repeat follows the record after which it comes
    order = np.argsort(np.concatenate([index * 2, after * 2 + 1]), kind="stable")
    whole = np.concatenate([index, again])[order]
    kinds = np.concatenate([kind, np.full(len(again), REPEAT)])[order]
    step_ns = 1e9 / plan.rate_per_s if plan.rate_per_s else UNPACED_STEP_NS
    moment_ns = (np.arange(len(whole)) * step_ns).astype(np.int64)
    first = np.empty(count, dtype=np.int64)
    first[whole[kinds != REPEAT]] = moment_ns[kinds != REPEAT]
    back_ns = np.zeros(count, dtype=np.int64)
    back_ns[kind == LATE] = int(plan.late_by_s * 1e9)
    back_ns[kind == TOO_LATE] = int(plan.too_late_by_s * 1e9)
    return Sendings(
        index=whole,
        kind=kinds,
        due_ns=moment_ns if plan.rate_per_s else np.zeros(len(whole), dtype=np.int64),
        event_ns=(first - back_ns)[whole],
    )
