"""What arrived at subscribers, held against what was sent: each kind of flaw is found, where there is one."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from contract.entities import ENTITIES
from contract.ids import Run
from contract.samples import Shape
from seawall.audit.feed import audit_feed, expected_deliveries
from seawall.audit.ledger import Ledger
from seawall.load.feed.arrivals import ArrivalColumns, Arrivals, read_arrivals
from seawall.load.feed.frames import FeedFrame, FeedRecord, Identified
from seawall.load.feed.subscribers import FeedLoad, Subscriber, buyers_by_content, buyers_of, subscriber

RUN, SEED, COUNT, MS = Run(1_700_000_000_000, 5), 3, 300, 10**6
LOAD = FeedLoad(
    name="x", url="http://nowhere", key="", seed=SEED, directory="", users=40, whole=2, silent=1, returning=0.2
)


def ledger(status: int = 202) -> Ledger:
    """Return that of 300 orders of one user, a millisecond apart, the last of which has this status."""
    due_ns = np.arange(COUNT, dtype=np.int64) * MS
    statuses = np.full(COUNT, 202, dtype=np.uint16)
    statuses[-1] = status
    return Ledger(
        run=RUN, seed=SEED, shape=Shape(), endpoints=("POST /v1/kafka/orders",),
        user=np.zeros(COUNT, dtype=np.uint32), sequence=np.arange(1, COUNT + 1, dtype=np.uint32),
        entity=np.full(COUNT, ENTITIES["orders"].number, dtype=np.uint8), endpoint=np.zeros(COUNT, dtype=np.uint8),
        intended_ns=due_ns, sent_ns=due_ns, answered_ns=due_ns + 2 * MS, status=statuses,
        overruled=np.zeros(COUNT, dtype=np.bool_), denied=np.zeros(COUNT, dtype=np.bool_),
    )  # fmt: skip


def all_of(sent: Ledger) -> list[tuple[int, int, int, int]]:
    """Return what has to arrive: subscriber, partition, offset, and the lower half of the id; in order."""
    buyers, found = buyers_by_content(SEED), []
    for number in range(LOAD.users + LOAD.whole):
        follows = subscriber(LOAD, number).follows
        for place, (low, content) in enumerate(zip(sent.low, sent.content, strict=True)):
            if follows is None or buyers[content] == follows:
                found.append((number, place % 3, place // 3, int(low)))
    return found


def columns(rows: list[tuple[int, int, int, int]], run: Run = RUN) -> ArrivalColumns:
    """Return them as they are recorded, each 50 ms after the first order was due, published 10 ms before."""
    number, partition, offset, low = (
        np.array(column) for column in (zip(*rows, strict=True) if rows else ((), (), (), ()))
    )
    return ArrivalColumns(
        number.astype(np.uint32), np.full(len(rows), 3, np.uint8), partition.astype(np.int16), offset.astype(np.int64),
        np.full(len(rows), run.high, np.uint64), low.astype(np.uint64), np.full(len(rows), 40 * MS, np.int64),
        np.full(len(rows), 50 * MS, np.int64),
    )  # fmt: skip


def test_all_of_it_once_and_in_order_is_flawless() -> None:
    """Times are told of those who were there all the time, and of nobody else."""
    sent = ledger()
    rows = all_of(sent)
    counts, found = audit_feed(LOAD, sent, columns(rows))
    assert counts.flawless
    assert counts.examples == []
    assert counts.expected == counts.delivered == len(rows) == expected_deliveries(LOAD, sent)
    steady = [row for row in rows if subscriber(LOAD, row[0]).habit == "steady"]
    assert 0 < len(steady) < len(rows)
    assert len(found.request) == len(steady)
    assert set(found.arrived_ns) == {50 * MS}
    assert len(set(found.request)) == COUNT


def test_what_was_not_acknowledged_may_arrive_or_not() -> None:
    """It is neither expected nor wrong, and no time is told of it."""
    unsure = ledger(status=0)
    rows = all_of(unsure)
    with_it, found = audit_feed(LOAD, unsure, columns(rows))
    last = int(unsure.low[-1])
    without, _ = audit_feed(LOAD, unsure, columns([row for row in rows if row[3] != last]))
    assert with_it.flawless
    assert without.flawless
    assert with_it.expected == without.expected == len([row for row in rows if row[3] != last])
    assert COUNT - 1 not in found.request


@pytest.mark.parametrize(
    ("what", "flaws"),
    [
        ("missing", {"missing": 1}),
        ("doubled", {"doubled": 1}),
        ("disordered", {"disordered": 1}),
        ("strayed", {"strayed": 1}),
        ("phantom", {"phantom": 1}),
    ],
)
def test_each_flaw_is_counted_and_named(what: str, flaws: dict[str, int]) -> None:
    """And counts as no other."""
    sent = ledger()
    rows = all_of(sent)
    whole = [place for place, row in enumerate(rows) if row[0] == LOAD.users]  # one that follows all
    if what == "missing":
        del rows[whole[7]]
    elif what == "doubled":
        rows.insert(whole[9], rows[whole[8]])
    elif what == "disordered":
        first, second = whole[3], whole[6]  # of one partition
        rows[first], rows[second] = rows[second], rows[first]
    elif what == "strayed":
        stranger = next(
            row for row in rows if row[0] == LOAD.users and row[3] not in {one[3] for one in rows if not one[0]}
        )
        rows.append((0, *stranger[1:]))
    else:
        rows.append((0, 0, 9_999, int(sent.low[0]) + (1 << 40)))
    counts, _ = audit_feed(LOAD, sent, columns(rows))
    found = {
        name: count
        for name in ("missing", "doubled", "disordered", "strayed", "phantom")
        if (count := getattr(counts, name))
    }
    assert found == flaws
    assert not counts.flawless
    assert bool(counts.examples) == (what != "disordered")


def test_records_of_another_run_are_phantoms() -> None:
    """Whatever the lower half of their ids says."""
    sent = ledger()
    counts, _ = audit_feed(LOAD, sent, columns(all_of(sent), Run(RUN.ms + 1, 5)))
    assert counts.phantom == len(all_of(sent))
    assert counts.missing == counts.expected


def test_nothing_at_all_is_all_missing() -> None:
    """An empty record of arrivals is one, too."""
    counts, found = audit_feed(LOAD, ledger(), columns([]))
    assert counts.missing == counts.expected > 0
    assert len(found.request) == 0


def test_arrivals_are_read_as_they_were_kept(tmp_path: Path) -> None:
    """Both halves of an id, and times on the monotonic clock."""
    arrivals = Arrivals()
    identity = UUID(int=(1 << 127) + 5)
    frame = FeedFrame(published_ns=1, records=[FeedRecord("orders", Identified(identity), 2, 7)], id="orders.0")
    arrivals.add(4, frame, 99)
    arrivals.write(tmp_path / "new")
    found = read_arrivals(tmp_path / "new")
    assert [int(column[0]) for column in found[:6]] == [4, 3, 2, 7, 1 << 63, 5]
    assert int(found.arrived_ns[0]) == 99
    Arrivals().write(tmp_path / "none")
    assert len(read_arrivals(tmp_path / "none").low) == 0


def test_subscribers_are_told_anew_from_the_same_numbers() -> None:
    """Everyone of a buyer follows one who buys; shares are about what was asked for, the silent ones come last."""
    load = FeedLoad(
        name="x", url="", key="", seed=1, directory="", users=2_000, whole=3, silent=2, sse=0.2, returning=0.05,
        leaves_after_s=(2.0, 4.0),
    )  # fmt: skip
    crowd: list[Subscriber] = [subscriber(load, number) for number in range(load.total)]
    assert crowd == [subscriber(load, number) for number in range(load.total)]
    assert {one.follows for one in crowd[:2_000]} == set(buyers_of(1))
    assert [one.habit for one in crowd[2_000:]] == ["steady"] * 3 + ["silent"] * 2
    assert all(one.follows is None for one in crowd[2_000:])
    assert 300 < sum(one.protocol == "sse" for one in crowd) < 500
    returning = [one for one in crowd if one.habit == "returning"]
    assert 60 < len(returning) < 140
    assert all(2.0 <= one.leaves_after_s <= 4.0 for one in returning)
