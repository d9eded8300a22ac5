"""Follows the log from its present end on, in a thread of its own, with a consumer that belongs to no group.

Each feed process reads everything for itself, by explicit assignment, and commits nothing: so processes can be added
without moving partitions, and the sinks do not notice any of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from contract.entities import ENTITIES
from contract.errors import RegistryUnavailable
from contract.topics import FEED_GROUP, entity_of, record_topics, topic_of
from workers.feed.errors import PositionGone, SourceUnavailable
from workers.feed.positions import Positions
from workers.feed.records import Published, Reading, place_of

log = logging.getLogger(__name__)

_IDLE_S = 0.1
_ASK_S = 5.0
_PAUSE_S = 0.2
_LOOK_AGAIN_S = 10.0
"""How often it is asked whether topics have more partitions."""
_READ_S = 10.0
_BLOCK = 2_000

Round = tuple[list[Published], dict[str, tuple[int, ...]]]
"""Records in the order in which they came, and the positions behind them."""


def consumer_settings(connection: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the settings of a consumer by *name* that joins no group."""
    return {
        "client.id": name,
        "group.id": FEED_GROUP,  # with `assign` and without commits nobody sees it
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 20,
        "fetch.queue.backoff.ms": 5,
        "queued.max.messages.kbytes": 8_192,
        "socket.timeout.ms": 5_000,
        "reconnect.backoff.max.ms": 1_000,
        **connection,
    }


class Tail:
    """Reads what comes and hands it over in rounds; waits where nobody takes them."""

    def __init__(
        self, connection: dict[str, Any], name: str, reading: Reading, *, linger_s: float, most: int, recent: int
    ) -> None:
        """A round is gathered for *linger_s* after its first record, and holds at most so *most* records.

        It begins about so many *recent* records before the log's end.
        """
        self._recent = recent
        self._settings = consumer_settings(connection, name)
        self._reading, self._linger_s, self._most = reading, linger_s, most
        self._next: dict[str, list[int]] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.trouble = "it has not begun to read"
        """Why nothing can be read; empty where it can."""
        self.skipped = 0
        """Messages that hold no record."""

    def start(self, began: Callable[[Positions, Positions], None], publish: Callable[[Round], None]) -> None:
        """Begin; *began* hears where it does and where the log ends now, *publish* each round; both in the thread."""
        self._thread = threading.Thread(target=self._run, args=(began, publish), name="tail", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it and wait for that."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=_ASK_S)

    def _run(self, began: Callable[[Positions, Positions], None], publish: Callable[[Round], None]) -> None:
        consumer = Consumer(self._settings, logger=log)
        try:
            ends = self._begin(consumer)
            if ends is not None:
                self.trouble = ""
                began(self._positions(), ends)
            looked_s = time.monotonic()
            while not self._stopping.is_set():
                if messages := self._gather(consumer):
                    publish((self._published(messages), self._positions()))
                if time.monotonic() > looked_s + _LOOK_AGAIN_S:
                    self._look_for_partitions(consumer)
                    looked_s = time.monotonic()
        except Exception:
            log.exception("the log is not read any more")
            self.trouble = "the log is not read any more"
            raise
        finally:
            consumer.close()

    def _begin(self, consumer: Consumer) -> Positions | None:
        """Read from a little before the ends of all partitions on, which are returned; None where it is stopped."""
        while not self._stopping.is_set():
            try:
                ends = {entity_of(topic).name: self._spans(consumer, topic) for topic in record_topics()}
            except (KafkaException, SourceUnavailable) as error:
                self.trouble = _words(error)
                log.warning("the log: %s; again in %.1f s", self.trouble, _PAUSE_S)
                self._stopping.wait(_PAUSE_S)
                continue
            back = self._recent // sum(map(len, ends.values()))
            self._next = {name: [max(low, end - back) for low, end in spans] for name, spans in ends.items()}
            consumer.assign(
                [
                    TopicPartition(topic_of(ENTITIES[name]), number, offset)
                    for name, offsets in self._next.items()
                    for number, offset in enumerate(offsets)
                ]
            )
            return {name: tuple(end for _, end in spans) for name, spans in ends.items()}
        return None

    def _spans(self, consumer: Consumer, topic: str) -> list[tuple[int, int]]:
        return [
            consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_ASK_S)
            for number in _partitions(consumer, topic)
        ]

    def _look_for_partitions(self, consumer: Consumer) -> None:
        """Read partitions that have been added, from their begin: everything in them is new."""
        try:
            for name, offsets in self._next.items():
                topic = topic_of(ENTITIES[name])
                added = range(len(offsets), len(_partitions(consumer, topic)))
                if added:
                    offsets.extend(0 for _ in added)
                    consumer.incremental_assign([TopicPartition(topic, number, 0) for number in added])
        except (KafkaException, SourceUnavailable) as error:
            log.warning("the log: %s", _words(error))

    def _gather(self, consumer: Consumer) -> list[Message]:
        # poll() returns with the first message; consume() would wait for its whole timeout
        first = consumer.poll(_IDLE_S)
        if first is None:
            return []
        found = [first]
        due_s = time.monotonic() + self._linger_s
        while len(found) < self._most and (left_s := due_s - time.monotonic()) > 0:
            found += consumer.consume(self._most - len(found), left_s)
        for message in found:
            if (error := message.error()) is not None:
                log.warning("kafka: %s", error.str())
        return [message for message in found if message.error() is None]

    def _published(self, messages: Sequence[Message]) -> list[Published]:
        found = []
        for message in messages:
            record = self._read(message)
            if record is None:
                self.skipped += 1
            else:
                found.append(record)
            name, partition, offset = place_of(message)
            self._next[name][partition] = offset + 1
        return found

    def _read(self, message: Message) -> Published | None:
        while True:
            try:
                return self._reading.published(message)
            except RegistryUnavailable as error:
                self.trouble = f"the schema registry: {error}"
                log.warning("%s; again in %.1f s", self.trouble, _PAUSE_S)
                if self._stopping.wait(_PAUSE_S):
                    return None
            else:
                self.trouble = ""

    def _positions(self) -> dict[str, tuple[int, ...]]:
        return {name: tuple(offsets) for name, offsets in self._next.items()}


def read_back(
    connection: dict[str, Any], name: str, reading: Reading, begin: Positions, end: Positions
) -> Iterator[Round]:
    """Yield what lies in the log between two positions, block by block, each with the positions behind it; blocks.

    Raises `PositionGone` where records behind *begin* were removed, and `SourceUnavailable`.
    """
    consumer = Consumer({**consumer_settings(connection, f"{name}-back"), "auto.offset.reset": "error"}, logger=log)
    try:
        yield from _blocks(consumer, reading, begin, end)
    except KafkaException as error:
        raise SourceUnavailable(_words(error)) from None
    finally:
        consumer.close()


def _blocks(consumer: Consumer, reading: Reading, begin: Positions, end: Positions) -> Iterator[Round]:
    places = {name: list(offsets) for name, offsets in begin.items()}
    consumer.assign([_there(consumer, *place) for place in _open(places, end)])
    due_s = time.monotonic() + _READ_S
    while any(_open(places, end)):
        found = []
        for message in consumer.consume(_BLOCK, _IDLE_S):
            error = message.error()
            if error is not None:
                raise KafkaException(error)
            name, partition, offset = place_of(message)
            record = reading.published(message) if offset < end[name][partition] else None
            found += [] if record is None else [record]
            places[name][partition] = min(offset + 1, end[name][partition])
        if found:
            due_s = time.monotonic() + _READ_S
            yield found, {name: tuple(offsets) for name, offsets in places.items()}
        elif time.monotonic() > due_s:
            raise SourceUnavailable("the log does not answer: try again")


def _open(places: Mapping[str, Sequence[int]], end: Positions) -> Iterator[tuple[str, int, int]]:
    """Yield entity, partition and next offset of what has not been read up to *end*."""
    for name, offsets in places.items():
        for number, offset in enumerate(offsets):
            if offset < end[name][number]:
                yield name, number, offset


def _there(consumer: Consumer, name: str, number: int, offset: int) -> TopicPartition:
    """Return a place to read from; raises `PositionGone` where it is not there any more."""
    place = TopicPartition(topic_of(ENTITIES[name]), number, offset)
    lowest, _ = consumer.get_watermark_offsets(place, timeout=_ASK_S)
    if lowest > offset:
        raise PositionGone("records behind this position were removed from the log: begin anew, without `after`")
    return place


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    found = consumer.list_topics(topic, timeout=_ASK_S).topics.get(topic)
    if found is None or found.error is not None or not found.partitions:
        raise SourceUnavailable(f"{topic} is not there: make it with `python -m contract.make_topics`")
    return sorted(found.partitions)


def _words(error: Exception) -> str:
    return error.args[0].str() if isinstance(error, KafkaException) else str(error)
