"""The feed by the log: one reader for all subscribers, who are found by what they want to see.

A subscriber that comes back with a position gets what it missed: from memory where that is recent, else from the log
itself, and goes over to what comes now between two rounds. So nothing is missing and nothing comes twice.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from workers.feed.counts import FeedCounts
from workers.feed.errors import BadSubscription, FeedError, SourceUnavailable
from workers.feed.filters import Filter, Subject
from workers.feed.frames import Frame
from workers.feed.positions import Positions, positions_of, text_of
from workers.feed.records import Published, Reading
from workers.feed.subscription import End, Ended, Subscription
from workers.feed.tail import Round, Tail, read_back

log = logging.getLogger(__name__)

_ROUNDS_UNDER_WAY = 4
_RECORDS_OF_A_FRAME = 500
_HANDED_OVER_S = 0.5


class LogFeed:
    """Subscribers and what they get; belongs to the event loop, but for the reader's thread."""

    def __init__(
        self,
        connection: dict[str, Any],
        name: str,
        reading: Reading,
        counts: FeedCounts,
        *,
        linger_s: float,
        round_records: int,
        recent_records: int,
        queue_bytes: int,
    ) -> None:
        """*recent_records* are kept in memory; *queue_bytes* may wait for a subscriber."""
        self._connection, self._name, self._reading, self._counts = connection, name, reading, counts
        self._tail = Tail(connection, name, reading, linger_s=linger_s, most=round_records, recent=recent_records)
        self._queue_bytes, self._most_recent = queue_bytes, recent_records
        self._all: dict[tuple[str, ...], set[Subscription]] = defaultdict(set)
        self._about: dict[Subject, set[Subscription]] = defaultdict(set)
        self._present: dict[str, tuple[int, ...]] = {}
        """Up to where all have been told; empty before there is anything to tell."""
        self._ends: Positions = {}
        """Of the log when this process began; what lies before is remembered and told to nobody."""
        self._recent: deque[Published] = deque()
        self._oldest: dict[str, list[int]] = {}
        """From which offsets on `_recent` is whole."""
        self._under_way = threading.Semaphore(_ROUNDS_UNDER_WAY)

    @property
    def trouble(self) -> str:
        """Why nothing can be read; empty where it can."""
        return self._tail.trouble or ("" if self._present else "what is recent is still being read")

    @property
    def skipped(self) -> int:
        """Messages that hold no record."""
        return self._tail.skipped

    async def start(self) -> None:
        """Begin to read."""
        loop = asyncio.get_running_loop()
        self._tail.start(
            lambda positions, ends: self._began(loop, positions, ends), lambda found: self._hand_over(loop, found)
        )

    async def stop(self) -> None:
        """Read no more."""
        await asyncio.to_thread(self._tail.stop)

    async def subscribe(self, wanted: Filter, after: str | None) -> Subscription:
        """Return a subscription whose first frame says where it stands, or holds what it missed since *after*.

        Raises `BadSubscription`, `PositionGone`, `SourceUnavailable`.
        """
        if not self._present:
            raise SourceUnavailable(f"{self.trouble}: try again")
        subscription = Subscription(wanted, self._queue_bytes)
        if after is None:
            subscription.offer(Frame(text_of(self._present, wanted.entities), ()))
            self._place_of(wanted).add(subscription)
            return subscription
        begin = self._known(positions_of(after, wanted.entities))
        block, blocks = None, None
        if not self._remembers(begin):
            blocks = self._read_back(begin)
            block = await asyncio.to_thread(next, blocks, None)  # says whether it can be had at all
        subscription.catching_up = asyncio.create_task(self._catch_up(subscription, begin, blocks, block))
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        if subscription.catching_up is not None:
            subscription.catching_up.cancel()
        self._place_of(subscription.filter).discard(subscription)
        if subscription.filter.subject is not None and not self._about[subscription.filter.subject]:
            del self._about[subscription.filter.subject]

    def beat(self, subscriptions: Iterable[Subscription]) -> None:
        """Tell *subscriptions* how far they are, though there is nothing for them."""
        for subscription in subscriptions:
            subscription.offer(Frame(text_of(self._present, subscription.filter.entities), ()))

    def publish(self, found: Round) -> None:
        """Hand a round to all who want to see some of it."""
        records, positions = found
        self._remember(records)
        if not self._present:
            if _has_reached(positions, self._ends):
                self._present = positions
            return
        self._present = positions
        for entities, group in self._all.items():
            self._hand_out(records, entities, group)
        for subject, about_it in self._by_subject(records).items():
            for entities, followers in _by_entities(self._about[subject]).items():
                self._hand_out(about_it, entities, followers)
        self._counts.round(len(records))

    def _by_subject(self, records: list[Published]) -> Mapping[Subject, list[Published]]:
        found: dict[Subject, list[Published]] = defaultdict(list)
        for one in records:
            for subject in one.subjects:
                if subject in self._about:
                    found[subject].append(one)
        return found

    def _hand_out(
        self, records: Iterable[Published], entities: tuple[str, ...], group: Collection[Subscription]
    ) -> None:
        """Offer *records* of *entities* to a group, in one frame that all of it shares."""
        mine = [one.json for one in records if one.entity in entities] if group else []
        if mine:
            frame = Frame(text_of(self._present, entities), mine)
            self._counts.offered(len(mine) * sum([one.offer(frame) for one in group]))

    def _remember(self, records: list[Published]) -> None:
        self._recent.extend(records)
        while len(self._recent) > self._most_recent:
            gone = self._recent.popleft()
            offsets = self._oldest[gone.entity]
            offsets.extend(0 for _ in range(len(offsets), gone.partition + 1))
            offsets[gone.partition] = gone.offset + 1

    async def _catch_up(
        self, subscription: Subscription, begin: Positions, blocks: Iterator[Round] | None, block: Round | None
    ) -> None:
        """Offer what lies behind *begin*, as it is taken, and let the subscription go over to what comes now.

        The first of *blocks* has been read already.
        """
        try:
            while True:
                if blocks is None and self._remembers(begin):
                    await subscription.drained()
                    if not self._remembers(begin):
                        continue
                    recent, behind, last = self._chunk(begin)
                    self._offer_old(subscription, recent, behind)
                    if last:  # nothing was awaited meanwhile, so no round came between
                        self._place_of(subscription.filter).add(subscription)
                        return
                    begin = behind
                    await asyncio.sleep(0)  # as others have a turn, who may have nothing else to wait for
                    continue
                if blocks is None:
                    blocks = self._read_back(begin)
                    block = await asyncio.to_thread(next, blocks, None)
                while block is not None:
                    records, begin = block
                    await subscription.drained()
                    self._offer_old(subscription, records, begin)
                    block = await asyncio.to_thread(next, blocks, None)
                blocks = None
        except Ended:
            pass
        except FeedError as error:
            log.warning("a subscriber cannot go on: %s", error)
            subscription.finish(End.SOURCE_LOST)

    def _read_back(self, begin: Positions) -> Iterator[Round]:
        end = {name: self._present[name] for name in begin}
        return read_back(self._connection, self._name, self._reading, begin, end)

    def _chunk(self, begin: Positions) -> tuple[list[Published], Positions, bool]:
        """Return what is remembered behind *begin*, the positions behind that, and whether it is all there is."""
        found = [one for one in self._recent if one.entity in begin and one.offset >= begin[one.entity][one.partition]]
        if len(found) <= _RECORDS_OF_A_FRAME:
            return found, {name: self._present[name] for name in begin}, True
        behind = {name: list(offsets) for name, offsets in begin.items()}
        for one in found[:_RECORDS_OF_A_FRAME]:
            behind[one.entity][one.partition] = one.offset + 1
        return found[:_RECORDS_OF_A_FRAME], {name: tuple(offsets) for name, offsets in behind.items()}, False

    def _offer_old(self, subscription: Subscription, records: list[Published], behind: Positions) -> None:
        wanted = subscription.filter
        mine = [one.json for one in records if wanted.shows(one.entity, one.subjects)]
        self._counts.resumed(len(mine))
        subscription.offer(Frame(text_of(behind, wanted.entities), mine))

    def _remembers(self, begin: Positions) -> bool:
        return all(
            offset >= (self._oldest[name][number] if number < len(self._oldest[name]) else 0)
            for name, offsets in begin.items()
            for number, offset in enumerate(offsets)
        )

    def _known(self, begin: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
        """Return *begin* with the partitions that were added since; raises `BadSubscription` for what is not there."""
        found = {}
        for name, offsets in begin.items():
            present = self._present[name]
            if len(offsets) > len(present) or any(one > last for one, last in zip(offsets, present, strict=False)):
                raise BadSubscription("after: the position lies ahead of this log; is it of another one?")
            found[name] = (*offsets, *(0 for _ in present[len(offsets) :]))
        return found

    def _place_of(self, wanted: Filter) -> set[Subscription]:
        return self._all[wanted.entities] if wanted.subject is None else self._about[wanted.subject]

    def _began(self, loop: asyncio.AbstractEventLoop, positions: Positions, ends: Positions) -> None:
        def note() -> None:
            self._oldest = {name: list(offsets) for name, offsets in positions.items()}
            self._ends = ends
            if _has_reached(positions, ends):
                self._present = dict(positions)

        loop.call_soon_threadsafe(note)

    def _hand_over(self, loop: asyncio.AbstractEventLoop, found: Round) -> None:
        """Have the loop publish a round; waits while it has not come to earlier ones."""
        while not self._under_way.acquire(timeout=_HANDED_OVER_S):
            if loop.is_closed():
                return
        try:
            loop.call_soon_threadsafe(partial(self._published, found))
        except RuntimeError:  # the loop has ended
            return

    def _published(self, found: Round) -> None:
        try:
            self.publish(found)
        finally:
            self._under_way.release()


def _by_entities(subscriptions: Iterable[Subscription]) -> Mapping[tuple[str, ...], list[Subscription]]:
    found: dict[tuple[str, ...], list[Subscription]] = defaultdict(list)
    for one in subscriptions:
        found[one.filter.entities].append(one)
    return found


def _has_reached(positions: Positions, ends: Positions) -> bool:
    return all(one >= end for name, offsets in ends.items() for one, end in zip(positions[name], offsets, strict=False))
