"""Records of one topic, as they stand in the log; nothing is committed, and no group is joined."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from contract.registry import NoRegistry, Registry
from contract.topics import PREFIX
from seawall.observe.decoding import Decoding, as_text
from seawall.observe.errors import LogUnreachable, UnknownTopic

_ASK_S = 10.0
_POLL_S = 0.2
_QUIET_S = 10.0
"""So long a part of the log may take to come: it may have been deleted meanwhile."""
_ADVICE = "see `bin/seawall status` and `bin/seawall doctor`"


class PeekedRecord(msgspec.Struct, kw_only=True, frozen=True):
    """One record: where it stands, and what it holds."""

    topic: str
    partition: int
    offset: int
    time: str | None
    """When it was written, ISO 8601, by the clock of who wrote it; None where nobody said."""
    key: str | None
    headers: dict[str, str]
    value: Any
    """The record, or what its JSON says; else text, or `bytes` in hexadecimal digits. None where it has no value."""
    decoded: bool
    """Whether it is a record or JSON."""


class Peek:
    """A reader of one topic."""

    def __init__(
        self, settings: dict[str, Any], topic: str, partition: int | None = None, registry: Registry | None = None
    ) -> None:
        """*topic* may lack the prefix of our own; raises `UnknownTopic` or `LogUnreachable`."""
        self._decoding = Decoding(registry or NoRegistry())
        self._consumer = Consumer(
            {
                "group.id": "seawall-peek",  # the library wants one; nobody joins it
                "client.id": "seawall-peek",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
                "log_level": 0,
                "error_cb": lambda _: None,
                **settings,
            }
        )
        try:
            self.topic, self._partitions = self._find(topic, partition)
        except BaseException:
            self._consumer.close()
            raise

    def last(self, count: int) -> list[PeekedRecord]:
        """Return the newest *count* records, oldest first; those of several partitions by their times."""
        found = self._read({number: max(low, high - count) for number, (low, high) in self._ends().items()})
        return [record for _, record in sorted(found, key=lambda one: one[0])[-count:]]

    def first(self, count: int) -> list[PeekedRecord]:
        """Return the oldest *count* records that are left, oldest first."""
        found = self._read({number: low for number, (low, _) in self._ends().items()}, at_most=count)
        return [record for _, record in sorted(found, key=lambda one: one[0])[:count]]

    def follow(self) -> Iterator[PeekedRecord]:
        """Yield what comes from now on, for ever; raises `LogUnreachable`."""
        self._consumer.assign([TopicPartition(self.topic, number, high) for number, high in self._next().items()])
        while True:
            message = self._consumer.poll(_POLL_S)
            if message is not None and self._is_record(message):
                yield _record(message, self._decoding)

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()

    def _find(self, topic: str, partition: int | None) -> tuple[str, list[int]]:
        try:
            known = self._consumer.list_topics(timeout=_ASK_S).topics
        except KafkaException as error:
            raise LogUnreachable(f"Kafka does not answer: {error.args[0].str()}; {_ADVICE}") from None
        name = next((one for one in (topic, PREFIX + topic) if one in known), None)
        if name is None:
            there = ", ".join(sorted(one for one in known if not one.startswith("__"))) or "none at all"
            raise UnknownTopic(f"no topic is called {topic!r}; there are {there}")
        numbers = sorted(known[name].partitions)
        if partition is not None and partition not in numbers:
            raise UnknownTopic(f"{name} has no partition {partition}; it has {numbers[0]} to {numbers[-1]}")
        return name, numbers if partition is None else [partition]

    def _ends(self) -> dict[int, tuple[int, int]]:
        """Return of each partition the first offset, and the one behind the last record."""
        try:
            ends = {
                number: self._consumer.get_watermark_offsets(TopicPartition(self.topic, number), timeout=_ASK_S)
                for number in self._partitions
            }
        except KafkaException as error:
            raise LogUnreachable(f"Kafka does not say where {self.topic} ends: {error.args[0].str()}") from None
        self._reached = {number: high for number, (_, high) in ends.items()}
        return ends

    def _next(self) -> dict[int, int]:
        """Return where to go on: behind what was read, or at the end."""
        if not hasattr(self, "_reached"):
            self._ends()
        return self._reached

    def _read(self, starts: dict[int, int], at_most: int | None = None) -> list[tuple[Any, PeekedRecord]]:
        """Return the records from *starts* up to the ends, *at_most* so many a partition, with what sorts them."""
        found: list[tuple[Any, PeekedRecord]] = []
        left = {number for number, start in starts.items() if start < self._reached[number]}
        seen = dict.fromkeys(left, 0)
        self._consumer.assign([TopicPartition(self.topic, number, starts[number]) for number in left])
        due_s = time.monotonic() + _QUIET_S
        while left and time.monotonic() < due_s:
            message = self._consumer.poll(_POLL_S)
            if message is None:
                continue
            number = message.partition()
            if not self._is_record(message):
                if _is_end(message):
                    left.discard(number)
                continue
            due_s = time.monotonic() + _QUIET_S
            if number not in left:
                continue
            offset = message.offset() or 0
            if offset < self._reached[number]:
                found.append(((message.timestamp()[1], number, offset), _record(message, self._decoding)))
                seen[number] += 1
            if offset + 1 >= self._reached[number] or seen[number] == at_most:
                left.discard(number)
        self._consumer.unassign()
        return found

    def _is_record(self, message: Message) -> bool:
        """Tell whether *message* is a record; raises `LogUnreachable` where it says that none will come."""
        error = message.error()
        if error is None:
            return True
        if error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.UNKNOWN_TOPIC_OR_PART) or error.fatal():
            raise LogUnreachable(f"{self.topic} cannot be read: {error.str()}")
        return False


def _is_end(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - the binding's name for it


def _record(message: Message, decoding: Decoding) -> PeekedRecord:
    kind, written_ms = message.timestamp()
    value, decoded = decoding.value(message)
    return PeekedRecord(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        time=datetime.fromtimestamp(written_ms / 1e3, UTC).isoformat(timespec="milliseconds") if kind else None,
        key=decoding.key(message),
        headers={str(name): as_text(one) or "" for name, one in dict(message.headers() or ()).items()},
        value=value,
        decoded=decoded,
    )
