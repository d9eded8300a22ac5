"""Publishes the reviews that no model judges, and the messages that hold none."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from contract.reviews import REVIEW_HEADER
from contract.topics import (
    DEAD_LETTER_TOPIC,
    REASON_HEADER,
    SOURCE_OFFSET_HEADER,
    SOURCE_PARTITION_HEADER,
    SOURCE_TOPIC_HEADER,
)
from workers.sink.batches import Place

log = logging.getLogger(__name__)
_REASON_CHARACTERS = 300
_WAIT_S = 10.0
Headers = Sequence[tuple[str, str | bytes | None]]


@dataclass(frozen=True)
class Letter:
    """What is buried and why; *review* is its id, empty where a message holds none that could be read."""

    place: Place
    key: bytes | None
    value: bytes | None
    reason: str
    review: str = ""
    headers: Headers = ()
    """Those of the message it comes from."""


class Letters:
    """Writes to `contract.topics.DEAD_LETTER_TOPIC`; the producer is made for the first letter."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self._configuration = {
            "client.id": "seawall-review-letters",
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 0,
            "message.timeout.ms": 5_000,
            "reconnect.backoff.max.ms": 1_000,
            **connection,
        }
        self._producer: Producer | None = None

    def publish(self, letters: Sequence[Letter]) -> list[Letter]:
        """Publish *letters*, wait for their acknowledgements, and return those without one."""
        if self._producer is None:
            self._producer = Producer(self._configuration)
        pending = dict(enumerate(letters))
        for number, letter in enumerate(letters):

            def note(error: KafkaError | None, _: Message, number: int = number) -> None:
                if error is None:
                    pending.pop(number, None)
                else:
                    log.warning("dead letters: %s", error.str())

            try:
                self._producer.produce(
                    DEAD_LETTER_TOPIC, letter.value, letter.key, headers=_headers(letter), on_delivery=note
                )
            except BufferError:
                break
        self._producer.flush(_WAIT_S)
        return list(pending.values())


def _headers(letter: Letter) -> list[tuple[str, str | bytes | None]]:
    own = {
        REASON_HEADER: letter.reason[:_REASON_CHARACTERS],
        SOURCE_TOPIC_HEADER: letter.place.topic,
        SOURCE_PARTITION_HEADER: str(letter.place.partition),
        SOURCE_OFFSET_HEADER: str(letter.place.offset),
        REVIEW_HEADER: letter.review,
    }
    others = [(name, value) for name, value in letter.headers if name not in own]
    return [*others, *((name, value.encode()) for name, value in own.items())]
