"""What a feed sends follows from its plan: every record once, repeats after it, event times as far back as asked."""

from __future__ import annotations

import numpy as np

from seawall.load.order_feed.plan import LATE, PLAIN, REPEAT, SETTLED, TOO_LATE, FeedPlan, sendings

PLAN = FeedPlan(
    name="plan", directory="", seed=3, count=1_000, rate_per_s=100.0, late_share=0.1, late_by_s=2.0,
    too_late_share=0.05, too_late_by_s=30.0, repeat_share=0.2,
)  # fmt: skip


def test_every_record_is_sent_once_and_some_again() -> None:
    """In their order, at even steps; nothing but repeats comes before the record itself."""
    found = sendings(PLAN)
    assert [int((found.kind == kind).sum()) for kind in (PLAIN, LATE, TOO_LATE, REPEAT)] == [850, 100, 50, 200]
    assert found.index[found.kind != REPEAT].tolist() == list(range(1_000))
    assert np.diff(found.due_ns).tolist() == [10_000_000] * 1_199
    first = {int(index): place for place, index in reversed(list(enumerate(found.index.tolist())))}
    assert all(first[int(index)] < place for place, index in enumerate(found.index) if found.kind[place] == REPEAT)


def test_event_times_lie_back_by_as_much_as_asked_and_stay_the_same_when_sent_again() -> None:
    """A record in time carries the moment at which it is due."""
    found = sendings(PLAN)
    back_s = (found.due_ns - found.event_ns) / 1e9
    assert set(back_s[found.kind == PLAIN]) == {0.0}
    assert set(back_s[found.kind == LATE]) == {2.0}
    assert set(back_s[found.kind == TOO_LATE]) == {30.0}
    for index in found.index[found.kind == REPEAT]:
        assert len(set(found.event_ns[found.index == index])) == 1


def test_nothing_is_planted_before_the_consumers_have_settled() -> None:
    """They have to know first how far event time has come."""
    found = sendings(PLAN)
    planted = found.index[(found.kind == LATE) | (found.kind == TOO_LATE)]
    assert planted.min() >= 100  # a second
    assert SETTLED < 100


def test_a_feed_without_a_rate_is_due_at_once() -> None:
    """Its event times go on all the same."""
    found = sendings(FeedPlan(name="plan", directory="", seed=3, count=100))
    assert not found.due_ns.any()
    assert np.diff(found.event_ns).tolist() == [1_000_000] * 99
