"""Follows topics while they are written, for logs that do not keep what is in them.

Where records are deleted by time or size, or compacted, within a trial, whoever reads the log after it finds a part of
them. What was handed to this reader stays known, whatever the brokers do later.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from seawall.audit.errors import AuditFailed
from seawall.audit.ledger import Int64s

Pair = tuple[str, int]
"""Topic and partition."""
_BLOCK = 2_000
_WAIT_S, _POLL_S = 0.1, 0.02


class SeenBlock(NamedTuple):
    """Messages of one topic in the order in which they were handed over, shape ``(messages,)`` each."""

    keys: list[bytes | None]
    partition: npt.NDArray[np.int32]
    offset: Int64s


class LogFollower:
    """Reads partitions from given offsets on, in a thread with a consumer of its own, until it is closed."""

    def __init__(self, settings: Mapping[str, Any], starts: Mapping[Pair, int]) -> None:
        """*settings* are librdkafka's, *starts* names the first offset of each partition. Begins at once."""
        self._consumer = Consumer({**settings, "enable.partition.eof": True})
        self._next = dict(starts)
        """How far each partition was read: the next offset that is to come."""
        self._seen: dict[str, list[SeenBlock]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="log-follower", daemon=True)
        self._consumer.assign([TopicPartition(*pair, offset) for pair, offset in starts.items()])
        self._thread.start()

    def until(self, ends: Mapping[Pair, int], within_s: float) -> None:
        """Return once each partition was read up to the offset that *ends* names, exclusive.

        Raises `AuditFailed` when nothing has come for *within_s*.
        """
        before, deadline_s = dict(self._next), time.monotonic() + within_s
        while behind := [pair for pair, end in ends.items() if self._next.get(pair, end) < end]:
            if self._next != before:
                before, deadline_s = dict(self._next), time.monotonic() + within_s
            elif time.monotonic() > deadline_s:
                raise AuditFailed(f"the log of {behind[0][0]} could not be read to its end within {within_s:.0f} s")
            time.sleep(_POLL_S)

    def seen(self, topic: str) -> list[SeenBlock]:
        """Return what was handed over of a topic so far."""
        return list(self._seen.get(topic, ()))

    def close(self) -> None:
        """End the thread, and close the consumer."""
        self._over.set()
        self._thread.join()
        self._consumer.close()

    def _follow(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(KafkaException):  # brokers that are away come back, or `until` tells
                self._take(self._consumer.consume(_BLOCK, timeout=_WAIT_S))

    def _take(self, block: list[Message]) -> None:
        by_topic: dict[str, list[Message]] = {}
        reached: dict[Pair, int] = {}
        for message in block:
            topic, partition, offset = message.topic(), message.partition(), message.offset()
            if topic is None or partition is None or offset is None:
                continue
            error = message.error()
            if error is None:
                by_topic.setdefault(topic, []).append(message)
                reached[topic, partition] = offset + 1
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the binding's name for it
                reached[topic, partition] = max(offset, reached.get((topic, partition), 0))
        for topic, messages in by_topic.items():
            self._seen.setdefault(topic, []).append(
                SeenBlock(
                    [message.key() for message in messages],
                    np.array([message.partition() for message in messages], dtype=np.int32),
                    np.array([message.offset() for message in messages], dtype=np.int64),
                )
            )
        # last, since whoever waits for an offset asks for what was seen right after
        for pair, offset in reached.items():
            self._next[pair] = max(offset, self._next.get(pair, 0))
