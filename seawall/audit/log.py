"""Reads the log itself, with a consumer of its own: which records lie at which offsets, and how far the sinks are."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from confluent_kafka import Consumer, KafkaException, TopicPartition

from contract.ids import Run
from contract.topics import SINK_GROUP
from seawall.audit.errors import AuditFailed
from seawall.audit.ledger import Int64s, UInt64s

_TIMEOUT_S = 10.0
_BLOCK = 10_000


@dataclass(frozen=True)
class LogRecords:
    """One run's records in one topic, shape ``(records,)`` each, in the order of their offsets per partition."""

    topic: str
    low: UInt64s
    partition: npt.NDArray[np.int32]
    offset: Int64s
    committed: dict[int, int]
    """For each partition, the offset up to which the sinks' group is done (exclusive)."""


class LogReader:
    """Reads topics from their first to their last offset; it commits nothing and disturbs no group."""

    def __init__(self, kafka: dict[str, Any]) -> None:
        # The group's name is only for asking what the sinks committed: with `assign` one never joins it.
        self._consumer = Consumer(
            {
                **kafka,
                "group.id": SINK_GROUP,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 20,
                "log_level": 0,  # what goes wrong is said in an error, once
            }
        )

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()

    def records(self, topic: str, run: Run) -> LogRecords:
        """Return all records of *run* in *topic*; raises `AuditFailed` if the log cannot be read to its end."""
        try:
            return self._records(topic, run)
        except KafkaException as error:
            raise AuditFailed(f"the log of {topic} could not be read: {error.args[0].str()}") from None

    def _records(self, topic: str, run: Run) -> LogRecords:
        found = self._consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions
        ends: dict[int, int] = {}
        starts: list[TopicPartition] = []
        for number in found:
            first, end = self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_TIMEOUT_S)
            if end > first:
                ends[number] = end
                starts.append(TopicPartition(topic, number, first))
        keys: list[bytes] = []
        partitions: list[int] = []
        offsets: list[int] = []
        self._consumer.assign(starts)
        deadline = time.monotonic() + _TIMEOUT_S
        while ends:
            block = self._consumer.consume(_BLOCK, timeout=0.05)
            if block:
                deadline = time.monotonic() + _TIMEOUT_S
            elif time.monotonic() > deadline:
                raise AuditFailed(f"the log of {topic} could not be read to its end within {_TIMEOUT_S:.0f} s")
            for message in block:
                if message.error() is not None:
                    raise KafkaException(message.error())
                partition, offset = message.partition(), message.offset()
                if partition is None or offset is None:
                    continue
                keys.append(message.key() or b"")
                partitions.append(partition)
                offsets.append(offset)
                if offset >= ends.get(partition, 2**63) - 1:
                    del ends[partition]
        self._consumer.unassign()
        return self._select(topic, run, keys, partitions, offsets)

    def _select(self, topic: str, run: Run, keys: list[bytes], partitions: list[int], offsets: list[int]) -> LogRecords:
        prefix = f"{run.high:016x}".encode()
        whole = [key.replace(b"-", b"") for key in keys]
        ours = np.array([key.startswith(prefix) and len(key) == 32 for key in whole], dtype=bool)  # noqa: PLR2004
        low = [int(key[16:], 16) for key, mine in zip(whole, ours, strict=True) if mine]
        return LogRecords(
            topic,
            np.array(low, dtype=np.uint64),
            np.array(partitions, dtype=np.int32)[ours],
            np.array(offsets, dtype=np.int64)[ours],
            self._committed(topic, sorted(set(partitions))),
        )

    def _committed(self, topic: str, partitions: list[int]) -> dict[int, int]:
        asked = [TopicPartition(topic, number) for number in partitions]
        return {
            place.partition: max(0, place.offset)
            for place in (self._consumer.committed(asked, timeout=_TIMEOUT_S) if asked else [])
        }
