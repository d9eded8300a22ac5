"""Reads the log itself, with a consumer of its own: which records lie at which offsets, and how far the sinks are."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from contract.group_offsets import GroupOffsets
from contract.ids import Run
from contract.keys import text_of
from contract.topics import SINK_GROUP
from seawall.audit.errors import AuditFailed
from seawall.audit.ledger import Int64s, UInt64s
from seawall.audit.log_follower import LogFollower

_TIMEOUT_S = 10.0
_BLOCK = 2_000
_KEY_BYTES = 36
_ID_BYTES = 16
_DASHES = [8, 13, 18, 23]
_NO_ID = b"00000000-0000-0000-0000-000000000000"
_KEY = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Gap(NamedTuple):
    """Consecutive offsets of one partition at which there is no message; both ends are included."""

    partition: int
    first: int
    last: int


@dataclass(frozen=True)
class LogRecords:
    """One run's records in one topic, shape ``(records,)`` each, in the order of their offsets per partition."""

    topic: str
    low: UInt64s
    partition: npt.NDArray[np.int32]
    offset: Int64s
    committed: dict[int, int]
    """For each partition, the offset up to which the sinks' group is done (exclusive)."""
    gaps: tuple[Gap, ...] = ()
    """Offsets without a message, between the log's first and last one, whosever records are around them."""
    anew: frozenset[int] = frozenset()
    """Partitions that were lost and count from 0 again, so that an offset may have meant another record before."""
    deleted: tuple[Gap, ...] = ()
    """Offsets of the trial that the log does not hold any more: they lie before its first one now."""

    @property
    def ahead(self) -> npt.NDArray[np.bool_]:
        """Whether each record lies beyond what the sinks committed: its row may still come."""
        ahead = np.ones(len(self.offset), dtype=np.bool_)
        for partition, committed in self.committed.items():
            ahead &= (self.partition != partition) | (self.offset >= committed)
        return ahead & ~self.is_deleted

    @property
    def is_deleted(self) -> npt.NDArray[np.bool_]:
        """Whether each record was deleted from the log, so that nobody can read it any more."""
        deleted = np.zeros(len(self.offset), dtype=np.bool_)
        for gap in self.deleted:
            deleted |= (self.partition == gap.partition) & (self.offset <= gap.last)
        return deleted


class LogReader:
    """Reads topics to their last offset; it commits nothing and disturbs no group."""

    def __init__(self, kafka: dict[str, Any]) -> None:
        # The group's name is asked for and never joined, with `assign`.
        self._settings = {
            **kafka,
            "group.id": SINK_GROUP,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
            # Full queues make the client pause for a second by default, which is what a long log is made of.
            "fetch.queue.backoff.ms": 5,
            "queued.min.messages": 1_000_000,
            "log_level": 0,  # what goes wrong is said in an error, once
        }
        self._consumer = Consumer(self._settings)
        self._group = GroupOffsets(kafka)
        self._follower: LogFollower | None = None
        self._begins: dict[tuple[str, int], tuple[int, int]] = {}
        """For each partition, its first offset and the one behind its last when a trial began."""

    def close(self) -> None:
        """Close the consumers."""
        self.follow_no_longer()
        self._group.close()
        self._consumer.close()

    def begin(self, topics: Iterable[str]) -> None:
        """Leave out what lies in *topics* now: it is not of the runs to come. Raises `AuditFailed`."""
        for topic in topics:
            try:
                spans = self._spans(topic)
            except KafkaException as error:
                raise AuditFailed(f"the log of {topic} could not be read: {error.args[0].str()}") from None
            self._begins |= {(topic, number): span for number, span in spans.items()}

    def follow(self, topics: Iterable[str]) -> None:
        """Read *topics* from where `begin` was called on, while they are written: what is deleted later is known."""
        self.follow_no_longer()
        wanted = set(topics)
        starts = {pair: end for pair, (_, end) in self._begins.items() if pair[0] in wanted}
        self._follower = LogFollower(self._settings, starts)

    def follow_no_longer(self) -> None:
        """Forget what was followed."""
        if self._follower is not None:
            self._follower.close()
            self._follower = None

    def records(self, topic: str, run: Run) -> LogRecords:
        """Return all records of *run* in *topic*, from its first offset on or from where `begin` found its end.

        Where the topic is followed, those are among them that the log has deleted meanwhile.
        Raises `AuditFailed` if the log cannot be read to its end.
        """
        try:
            return self._records(topic, run)
        except KafkaException as error:
            raise AuditFailed(f"the log of {topic} could not be read: {error.args[0].str()}") from None

    def _records(self, topic: str, run: Run) -> LogRecords:
        ends: dict[int, int] = {}
        starts: dict[int, int] = {}
        anew, deleted = set(), []
        for number, (lowest, end) in self._spans(topic).items():
            lowest_before, end_before = self._begins.get((topic, number), (0, 0))
            first = max(lowest, end_before)
            if lowest < lowest_before or end < end_before:
                anew.add(number)
                first = lowest  # nothing of what is there now is older than the trial
            elif lowest > end_before and (topic, number) in self._begins:
                deleted.append(Gap(number, end_before, lowest - 1))
                first = end_before if self._follower is not None else first
            if end > first:
                ends[number], starts[number] = end, first
        records = _Records(run, starts, ends)
        if self._follower is not None and not anew:
            self._take_followed(self._follower, topic, ends, records)
        else:
            self._read(topic, starts, records)
        return LogRecords(
            topic,
            *records.arrays(),
            self._committed(topic, sorted(starts)),
            tuple(records.gaps),
            frozenset(anew),
            tuple(deleted),
        )

    def _take_followed(self, follower: LogFollower, topic: str, ends: dict[int, int], records: _Records) -> None:
        follower.until({(topic, number): end for number, end in ends.items()}, _TIMEOUT_S)
        for block in follower.seen(topic):
            records.take(block.keys, block.partition, block.offset)
        records.end()

    def _read(self, topic: str, starts: dict[int, int], records: _Records) -> None:
        self._consumer.assign([TopicPartition(topic, number, first) for number, first in starts.items()])
        deadline = time.monotonic() + _TIMEOUT_S
        while records.unread:
            block = self._consumer.consume(_BLOCK, timeout=0.05)
            if block:
                deadline = time.monotonic() + _TIMEOUT_S
                records.add(block)
            elif time.monotonic() > deadline:
                raise AuditFailed(f"the log of {topic} could not be read to its end within {_TIMEOUT_S:.0f} s")
        self._consumer.unassign()

    def _spans(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return, for each partition, its first offset and the one behind its last."""
        numbers = self._consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions
        return {
            number: self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_TIMEOUT_S)
            for number in numbers
        }

    def _committed(self, topic: str, partitions: list[int]) -> dict[int, int]:
        asked = [TopicPartition(topic, number) for number in partitions]
        found = self._group.ask(asked, _TIMEOUT_S)
        return {number: found.get((topic, number), 0) for number in partitions}


class _Records:
    """Collects one run's records in arrays of the right size, and the gaps between all offsets."""

    def __init__(self, run: Run, starts: dict[int, int], ends: dict[int, int]) -> None:
        self._high = run.high
        self._next = dict(starts)
        self._ends = ends
        self.unread = set(ends)
        room = sum(ends.values()) - sum(starts.values())
        self._low = np.empty(room, dtype=np.uint64)
        self._partition = np.empty(room, dtype=np.int32)
        self._offset = np.empty(room, dtype=np.int64)
        self._count = 0
        self.gaps: list[Gap] = []

    def add(self, block: list[Message]) -> None:
        """Take what the client handed over; raises `KafkaException` where that is an error."""
        messages = [message for message in block if message.error() is None]
        if messages:
            self.take(
                [message.key() for message in messages],
                np.array([message.partition() for message in messages], dtype=np.int32),
                np.array([message.offset() for message in messages], dtype=np.int64),
            )
        # Last, since a block may hold a partition's last records and the news that they were the last.
        if len(messages) < len(block):
            for message in block:
                self._note_event(message)

    def take(self, keys: list[bytes | None], partition: npt.NDArray[np.int32], offset: Int64s) -> None:
        """Take messages, shape ``(messages,)`` each, whose offsets rise in each partition."""
        low, ours = _low_bits(keys, self._high)
        for number in np.unique(partition).tolist():
            here = partition == number
            if number not in self._ends:
                ours &= ~here
                continue
            # What was written after the ends were asked for belongs to a later reading.
            ours &= ~here | (offset < self._ends[number])
            self._follow(number, offset[here & (offset < self._ends[number])])
        count = self._count + int(ours.sum())
        self._low[self._count : count] = low[ours]
        self._partition[self._count : count] = partition[ours]
        self._offset[self._count : count] = offset[ours]
        self._count = count

    def end(self) -> None:
        """Note the gaps that reach to the ends: no more messages come."""
        for number in sorted(self.unread):
            self._skip_to(number, self._ends[number])
        self.unread.clear()

    def arrays(self) -> tuple[UInt64s, npt.NDArray[np.int32], Int64s]:
        """Return ids, partitions and offsets of the run's records."""
        return self._low[: self._count], self._partition[: self._count], self._offset[: self._count]

    def _follow(self, number: int, offset: Int64s) -> None:
        """Note the gaps around these offsets, which rise."""
        if not len(offset):
            return
        self._skip_to(number, int(offset[0]))
        for place in np.flatnonzero(np.diff(offset) > 1):
            self.gaps.append(Gap(number, int(offset[place]) + 1, int(offset[place + 1]) - 1))
        self._next[number] = int(offset[-1]) + 1
        if self._next[number] >= self._ends[number]:
            self.unread.discard(number)

    def _note_event(self, message: Message) -> None:
        """Note that a partition was read to its end."""
        error, number = message.error(), message.partition()
        if error is None:
            return
        if error.code() != KafkaError._PARTITION_EOF or number is None:  # noqa: SLF001 - the binding's name for it
            raise KafkaException(error)
        if number in self.unread:
            self._skip_to(number, self._ends[number])
            self.unread.discard(number)

    def _skip_to(self, number: int, offset: int) -> None:
        if offset > self._next[number]:
            self.gaps.append(Gap(number, self._next[number], offset - 1))
            self._next[number] = offset


def _low_bits(keys: list[bytes | None], high: int) -> tuple[UInt64s, npt.NDArray[np.bool_]]:
    """Return the lower bits of the ids that *keys* spell, and which of these are ids that begin with *high*."""
    # the text of an id is how keys are shipped, and the only one that need not be turned into it
    usable = [key if key is not None and len(key) == _KEY_BYTES else text_of(key) or _NO_ID for key in keys]
    try:
        bits = _bits(usable)
    except ValueError:
        bits = _bits([key if _KEY.fullmatch(key) else _NO_ID for key in usable])
    return bits[:, 1].astype(np.uint64), bits[:, 0] == high


def _bits(keys: list[bytes]) -> npt.NDArray[np.uint64]:
    """Return both halves of each id, shape ``(keys, 2)``; raises `ValueError` where one is none."""
    text = b"".join(keys)
    digits = text.replace(b"-", b"")
    dashes = np.frombuffer(text, dtype=np.uint8).reshape(-1, _KEY_BYTES)[:, _DASHES]
    if len(digits) != 2 * _ID_BYTES * len(keys) or not (dashes == ord("-")).all():
        raise ValueError("not the text of an id")
    return np.frombuffer(bytes.fromhex(digits.decode("ascii")), dtype=">u8").reshape(-1, 2)
