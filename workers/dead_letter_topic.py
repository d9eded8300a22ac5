"""Publishes what will never be stored to the topic of dead letters, with the place it came from and the reason."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, Message, Producer

from contract.topics import (
    DEAD_LETTER_TOPIC,
    REASON_HEADER,
    SOURCE_OFFSET_HEADER,
    SOURCE_PARTITION_HEADER,
    SOURCE_TOPIC_HEADER,
)

log = logging.getLogger(__name__)

_WAIT_S = 10.0
Headers = list[tuple[str, str | bytes | None]]


class Buried(NamedTuple):
    """A message to be published."""

    value: Any
    key: Any
    headers: Headers


class DeadLetterProducer:
    """Writes to `contract.topics.DEAD_LETTER_TOPIC`; its client is made for the first letter."""

    def __init__(self, connection: dict[str, Any], client: str) -> None:
        self._configuration = {
            "client.id": client,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 0,
            "message.timeout.ms": 5_000,
            "reconnect.backoff.max.ms": 1_000,
            **connection,
        }
        self._producer: Producer | None = None

    def publish(self, messages: Sequence[Buried]) -> list[int]:
        """Publish *messages* and wait for the acks; return the indexes of those without one."""
        if self._producer is None:
            self._producer = Producer(self._configuration)
        pending = set(range(len(messages)))
        for number, (value, key, headers) in enumerate(messages):

            def note(error: KafkaError | None, _: Message, number: int = number) -> None:
                if error is None:
                    pending.discard(number)
                else:
                    log.warning("dead letters: %s", error.str())

            try:
                self._producer.produce(DEAD_LETTER_TOPIC, value, key, headers=headers, on_delivery=note)
            except BufferError:
                break
        self._producer.flush(_WAIT_S)
        return sorted(pending)

    def close(self) -> None:
        """Forget the client; every letter has been waited for."""
        self._producer = None


def headers_of(place: tuple[str, int, int], reason: str, others: Iterable[tuple[str, Any]], **more: str) -> Headers:
    """Return the headers of a dead letter from *place*, its topic, partition and offset.

    Of the message's own, *others*, those stay that say nothing else; *more* are further ones, by their names.
    """
    topic, partition, offset = place
    own = {
        REASON_HEADER: reason,
        SOURCE_TOPIC_HEADER: topic,
        SOURCE_PARTITION_HEADER: str(partition),
        SOURCE_OFFSET_HEADER: str(offset),
        **more,
    }
    found: Headers = [(str(name), value) for name, value in others if name not in own]
    return found + [(name, value.encode()) for name, value in own.items()]
