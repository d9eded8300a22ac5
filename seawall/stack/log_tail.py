"""Whether anything to be read lies behind an offset: in a log with transactions the last places are none of records.

A transaction's end takes an offset of each partition that it wrote to. No consumer is handed it, so librdkafka's never
commit behind it, and the distance to the end of the log does not become 0.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

_WITHIN_S = 10.0


class LogTail:
    """Looks behind offsets with a consumer that joins no group; reads only what is committed."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._consumer = Consumer(
            {
                **settings,
                "group.id": "seawall-tail",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,
                "queued.min.messages": 1,
            }
        )

    def held(self, offsets: Mapping[tuple[str, int], int]) -> set[tuple[str, int]]:
        """Return the partitions that hold a record at or behind their offset; raises `KafkaException`."""
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in offsets.items()])
        unknown = set(offsets)
        held: set[tuple[str, int]] = set()
        deadline = time.monotonic() + _WITHIN_S
        try:
            while unknown:
                message = self._consumer.poll(0.1)
                if message is None:
                    if time.monotonic() > deadline:
                        return held | unknown
                    continue
                place = (message.topic() or "", message.partition() or 0)
                error = message.error()
                if error is None:
                    held.add(place)
                elif error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the binding's name for it
                    raise KafkaException(error)
                unknown.discard(place)
        finally:
            self._consumer.unassign()
        return held

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()
