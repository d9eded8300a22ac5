"""Holds what arrived at each subscriber against the ledger: every acknowledged record of its feed, once, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from contract.entities import ENTITIES
from contract.ids import Run
from seawall.audit.ledger import Int64s, Ledger, UInt64s
from seawall.load.feed.arrivals import ArrivalColumns
from seawall.load.feed.subscribers import ENTITY, FeedLoad, Subscriber, buyers_by_content, subscriber

MOST_EXAMPLES = 3


@dataclass
class FeedCounts:
    """What became of deliveries, over all subscribers that read."""

    expected: int = 0
    """Acknowledged records of each one's feed, over all of them."""
    delivered: int = 0
    """Of those, how many arrived."""
    missing: int = 0
    doubled: int = 0
    """Arrivals beyond a record's first."""
    disordered: int = 0
    """First arrivals behind a record that lies further on in the same partition."""
    strayed: int = 0
    """Records of this run that are not of the subscriber's feed."""
    phantom: int = 0
    """Records that nobody sent in this run."""
    examples: list[str] = field(default_factory=list)
    """The first of what should not be, in words."""

    @property
    def flawless(self) -> bool:
        """Whether everything arrived, once, in order, and nothing else did."""
        return not (self.missing or self.doubled or self.disordered or self.strayed or self.phantom)


@dataclass(frozen=True)
class Deliveries:
    """First arrivals of acknowledged records at subscribers that were there all the time, ``(deliveries,)`` each."""

    request: Int64s
    """The place of the record's request in the ledger."""
    published_ns: Int64s
    arrived_ns: Int64s


class Sendings:
    """The run's orders: which were acknowledged, and whose they are."""

    def __init__(self, ledger: Ledger) -> None:
        self.places: Int64s = np.flatnonzero(ledger.entity == ENTITIES[ENTITY].number)
        low = ledger.low[self.places]
        order = np.argsort(low, kind="stable")
        self.places, self.low = self.places[order], low[order]
        """By id."""
        buyers = np.array([one.int & ((1 << 64) - 1) for one in buyers_by_content(ledger.seed)], dtype=np.uint64)

        self.buyer: UInt64s = buyers[ledger.content[self.places]]
        self.accepted: npt.NDArray[np.bool_] = ledger.accepted[self.places]

    def of(self, one: Subscriber) -> npt.NDArray[np.bool_]:
        """Tell which of them *one* follows."""
        if one.follows is None:
            return np.ones(len(self.low), dtype=np.bool_)
        found: npt.NDArray[np.bool_] = self.buyer == np.uint64(one.follows.int & ((1 << 64) - 1))
        return found


def expected_deliveries(load: FeedLoad, ledger: Ledger) -> int:
    """Return how many arrivals there have to be when all is over, at subscribers that read."""
    sent = Sendings(ledger)
    by_buyer: dict[object, int] = {}
    total = 0
    for one in _readers(load):
        if one.follows not in by_buyer:
            by_buyer[one.follows] = int((sent.of(one) & sent.accepted).sum())
        total += by_buyer[one.follows]
    return total


def audit_feed(load: FeedLoad, ledger: Ledger, arrived: ArrivalColumns) -> tuple[FeedCounts, Deliveries]:
    """Return what became of the deliveries, and when those arrived that were waited for by who never went away."""
    sent, counts = Sendings(ledger), FeedCounts()
    ours = arrived.high == np.uint64(ledger.run.high)
    order = np.argsort(arrived.subscriber, kind="stable")
    edges = np.searchsorted(arrived.subscriber[order], np.arange(load.total + 1))
    kept: list[tuple[Int64s, Int64s]] = []
    for one in _readers(load):
        mine = order[edges[one.number] : edges[one.number + 1]]
        kept.append(_audit_one(one, sent, arrived, mine, ours, counts, ledger.run))
    request = np.concatenate([requests for requests, _ in kept]) if kept else np.zeros(0, np.int64)
    rows = np.concatenate([rows for _, rows in kept]) if kept else np.zeros(0, np.int64)
    return counts, Deliveries(request, arrived.published_ns[rows], arrived.arrived_ns[rows])


def _readers(load: FeedLoad) -> Iterator[Subscriber]:
    for number in range(load.users + load.whole):
        yield subscriber(load, number)


def _audit_one(
    one: Subscriber,
    sent: Sendings,
    arrived: ArrivalColumns,
    mine: Int64s,
    ours: npt.NDArray[np.bool_],
    counts: FeedCounts,
    run: Run,
) -> tuple[Int64s, Int64s]:
    """Count what became of one subscriber's feed; return requests and arrivals of what it was there for."""
    follows = sent.of(one)
    low = arrived.low[mine]
    place = np.minimum(np.searchsorted(sent.low, low), max(len(sent.low) - 1, 0))
    known = ours[mine] & (sent.low[place] == low) if len(sent.low) else np.zeros(len(low), np.bool_)
    counts.phantom += int((~known).sum())
    _note(counts, one, "phantom", low[~known], run)
    stray = known & ~follows[place] if len(sent.low) else known
    counts.strayed += int(stray.sum())
    _note(counts, one, "not of its feed", low[stray], run)
    good = np.flatnonzero(known & ~stray)
    _, first = np.unique(low[good], return_index=True)
    first = np.sort(first)
    counts.doubled += len(good) - len(first)
    doubles = np.ones(len(good), np.bool_)
    doubles[first] = False
    _note(counts, one, "doubled", low[good][doubles], run)
    rows = mine[good[first]]
    counts.disordered += _disordered(arrived.partition[rows], arrived.offset[rows])
    due = follows & sent.accepted
    seen = np.zeros(len(sent.low), np.bool_)
    seen[place[good[first]]] = True
    counts.expected += int(due.sum())
    counts.delivered += int((due & seen).sum())
    counts.missing += int((due & ~seen).sum())
    _note(counts, one, "missing", sent.low[due & ~seen], run)
    if one.habit != "steady":
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    waited = sent.accepted[place[good[first]]]
    return sent.places[place[good[first]]][waited], rows[waited]


def _disordered(partition: npt.NDArray[np.int16], offset: Int64s) -> int:
    """Count offsets that come behind a higher one of the same partition; a feed without offsets has no order."""
    found = 0
    for number in np.unique(partition[offset >= 0]):
        offsets = offset[(partition == number) & (offset >= 0)]
        found += int((np.diff(offsets) < 0).sum())
    return found


def _note(counts: FeedCounts, one: Subscriber, what: str, low: UInt64s, run: Run) -> None:
    for half in low[: max(0, MOST_EXAMPLES - len(counts.examples))]:
        text = f"{run.high << 64 | int(half):032x}"
        counts.examples.append(
            f"{what} at subscriber {one.number}: {text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        )
