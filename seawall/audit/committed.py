"""What the sinks' group had committed, read again and again while a trial runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import numpy as np
from confluent_kafka import Consumer, KafkaException, TopicPartition

from contract.group_offsets import GroupOffsets
from contract.topics import SINK_GROUP
from seawall.audit.ledger import Int64s

_TIMEOUT_S = 2.0
_END_S = 10.0


@dataclass(frozen=True)
class CommittedSamples:
    """One partition's samples, shape ``(samples,)`` each, in the order of time."""

    begin_ns: Int64s
    """Monotonic, before the question was sent."""
    end_ns: Int64s
    """Monotonic, after the answer had come: by then at least this was committed."""
    committed: Int64s
    """The next offset that the group will read; 0 where nothing was committed."""
    end_offset: Int64s
    """The log's end, asked after *committed*, so it cannot honestly be smaller."""


@dataclass
class _Columns:
    begin_ns: list[int] = field(default_factory=list)
    end_ns: list[int] = field(default_factory=list)
    committed: list[int] = field(default_factory=list)
    end_offset: list[int] = field(default_factory=list)


class CommittedSampler:
    """Samples every partition of some topics from `start` to `stop`, in a thread with a consumer of its own.

    It joins no group. While the brokers do not answer there are no samples, which is no error.
    """

    def __init__(
        self, kafka: dict[str, Any], topics: Sequence[str], *, every_s: float = 0.1, group: str = SINK_GROUP
    ) -> None:
        self._settings = {**kafka, "group.id": group, "enable.auto.commit": False, "log_level": 0}
        self._group = GroupOffsets(kafka, group)
        self._topics = tuple(topics)
        self._every_s = every_s
        self._columns: dict[tuple[str, int], _Columns] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample_on, name="committed-sampler", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> dict[tuple[str, int], CommittedSamples]:
        """End, with a last sample, and return those of each (topic, partition); may be called again."""
        self._ended.set()
        self._thread.join(_END_S)
        return {
            pair: CommittedSamples(
                *(
                    np.array(column, dtype=np.int64)
                    for column in (one.begin_ns, one.end_ns, one.committed, one.end_offset)
                )
            )
            for pair, one in self._columns.copy().items()
        }

    def _sample_on(self) -> None:
        consumer = Consumer(self._settings)
        try:
            asked: list[TopicPartition] = []
            ended = False
            while not ended:
                ended = self._ended.wait(self._every_s)
                try:
                    asked = asked or self._partitions(consumer)
                    self._sample(consumer, asked)
                except KafkaException:
                    continue
        finally:
            self._group.close()
            consumer.close()

    def _partitions(self, consumer: Consumer) -> list[TopicPartition]:
        return [
            TopicPartition(topic, number)
            for topic in self._topics
            for number in consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions
        ]

    def _sample(self, consumer: Consumer, asked: list[TopicPartition]) -> None:
        begin_ns = time.monotonic_ns()
        answered = self._group.ask(asked, _TIMEOUT_S)
        end_ns = time.monotonic_ns()
        for place in asked:
            _, end_offset = consumer.get_watermark_offsets(place, timeout=_TIMEOUT_S)
            columns = self._columns.setdefault((place.topic, place.partition), _Columns())
            columns.begin_ns.append(begin_ns)
            columns.end_ns.append(end_ns)
            columns.committed.append(answered.get((place.topic, place.partition), 0))
            columns.end_offset.append(end_offset)
