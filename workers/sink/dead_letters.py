"""Publishes what can never be stored."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from contract.keys import identity_of
from contract.logs import about
from contract.topics import (
    DEAD_LETTER_TOPIC,
    REASON_HEADER,
    SOURCE_OFFSET_HEADER,
    SOURCE_PARTITION_HEADER,
    SOURCE_TOPIC_HEADER,
)
from workers.sink.batches import DeadLetter, context_of

log = logging.getLogger(__name__)

_SAID = 10
"""Of one batch; a producer that writes nothing else would fill the disk with its complaints."""


class DeadLetterTopic:
    """Writes dead letters to `contract.topics.DEAD_LETTER_TOPIC`; the producer is made for the first of them."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self._configuration = {
            "client.id": "seawall-dead-letters",
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 0,
            "message.timeout.ms": 5_000,
            "reconnect.backoff.max.ms": 1_000,
            **connection,
        }
        self._producer: Producer | None = None

    def publish(self, letters: Iterable[DeadLetter]) -> list[DeadLetter]:
        """Publish *letters* and wait for the acks; return those without one, to be published again."""
        if self._producer is None:
            self._producer = Producer(self._configuration)
        pending = {letter.place: letter for letter in letters}
        for letter in list(pending.values()):

            def note(error: KafkaError | None, _: Message, place: Any = letter.place) -> None:
                if error is None:
                    pending.pop(place, None)
                else:
                    log.warning("dead letters: %s", error.str())

            try:
                self._producer.produce(
                    DEAD_LETTER_TOPIC,
                    letter.message.value(),
                    letter.message.key(),
                    headers=_headers(letter),
                    on_delivery=note,
                )
            except BufferError:
                break
        self._producer.flush(10)
        return list(pending.values())

    def close(self) -> None:
        """Forget the producer; every letter has been waited for."""
        self._producer = None


def say(letters: Sequence[DeadLetter]) -> None:
    """Log the first of *letters*, each with the id of its record, and how many more there are."""
    for letter in letters[:_SAID]:
        place, reason = letter.place, " ".join(letter.reason.split())
        identity, context = identity_of(letter.message.key()), context_of(letter.message)
        marks = about(identity or "", context.trace_id if context else "")
        log.warning("dead letter, from %s[%d] at %d: %s", *place, reason, extra=marks)
    if len(letters) > _SAID:
        log.warning("and %d more dead letters in the same batch", len(letters) - _SAID)


def _headers(letter: DeadLetter) -> list[tuple[str, str | bytes | None]]:
    own = {
        REASON_HEADER: letter.reason,
        SOURCE_TOPIC_HEADER: letter.place.topic,
        SOURCE_PARTITION_HEADER: str(letter.place.partition),
        SOURCE_OFFSET_HEADER: str(letter.place.offset),
    }
    found: list[tuple[str, str | bytes | None]] = [
        (str(name), value) for name, value in dict(letter.message.headers() or ()).items() if name not in own
    ]
    return found + [(name, value.encode()) for name, value in own.items()]
