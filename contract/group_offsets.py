"""Asks what a consumer group has committed, without joining it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from contract.topics import SINK_GROUP

_PAUSE_S = 0.05
_ATTEMPT_S = 2.0
_MOVED = frozenset({
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    # a client that has lost the coordinator looks for it until its time is over
    KafkaError._TIMED_OUT,  # noqa: SLF001 - the binding's names
    KafkaError._TRANSPORT,  # noqa: SLF001
})  # fmt: skip
"""Said while a group's coordinator dies, moves or begins."""


class GroupOffsets:
    """A client that is made when it is needed; for any number of threads.

    Not by ``AdminClient.list_consumer_group_offsets``: that of librdkafka 2.16 crashes the process when the group's
    coordinator is not there yet. Where the coordinator has moved, a new client looks for it: one that has lost it may
    never find it again, and its request for offsets is not tried twice.
    """

    def __init__(self, kafka: dict[str, Any], group: str = SINK_GROUP) -> None:
        own = {"group.id": group, "enable.auto.commit": False, "enable.auto.offset.store": False, "log_level": 0}
        self._settings = {**kafka, **own}
        self._consumer: Consumer | None = None
        self._lock = threading.Lock()

    def ask(self, places: Sequence[TopicPartition], within_s: float) -> dict[tuple[str, int], int]:
        """Return the next offset that the group will read at each of *places*, of those where it has committed any.

        Raises `KafkaException`, where the coordinator is not found within that time, or at once if it is something
        else.
        """
        deadline = time.monotonic() + within_s
        with self._lock:
            while places:
                if self._consumer is None:
                    self._consumer = Consumer(self._settings)
                try:
                    left_s = max(deadline - time.monotonic(), _PAUSE_S)
                    found = self._consumer.committed(list(places), timeout=min(left_s, _ATTEMPT_S))
                except KafkaException as error:
                    self._close()
                    if error.args[0].code() not in _MOVED or time.monotonic() > deadline:
                        raise
                    time.sleep(_PAUSE_S)
                else:
                    return {(place.topic, place.partition): place.offset for place in found if place.offset >= 0}
        return {}

    def close(self) -> None:
        """Close the client; asking opens another."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None
