"""Publishes what can never be stored."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from contract.keys import identity_of
from contract.logs import about
from workers.dead_letter_topic import Buried, DeadLetterProducer, headers_of
from workers.sink.batches import DeadLetter, context_of

log = logging.getLogger(__name__)

_SAID = 10
"""Of one batch; a producer that writes nothing else would fill the disk with its complaints."""


class DeadLetterTopic:
    """Writes the sink's dead letters to `contract.topics.DEAD_LETTER_TOPIC`."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self._producer = DeadLetterProducer(connection, "seawall-dead-letters")

    def publish(self, letters: Iterable[DeadLetter]) -> list[DeadLetter]:
        """Publish *letters* and wait for the acks; return those without one, to be published again."""
        each = list({letter.place: letter for letter in letters}.values())
        left = self._producer.publish([_buried(letter) for letter in each])
        return [each[number] for number in left]

    def close(self) -> None:
        """Forget the producer; every letter has been waited for."""
        self._producer.close()


def say(letters: Sequence[DeadLetter]) -> None:
    """Log the first of *letters*, each with the id of its record, and how many more there are."""
    for letter in letters[:_SAID]:
        place, reason = letter.place, " ".join(letter.reason.split())
        identity, context = identity_of(letter.message.key()), context_of(letter.message)
        marks = about(identity or "", context.trace_id if context else "")
        log.warning("dead letter, from %s[%d] at %d: %s", *place, reason, extra=marks)
    if len(letters) > _SAID:
        log.warning("and %d more dead letters in the same batch", len(letters) - _SAID)


def _buried(letter: DeadLetter) -> Buried:
    message = letter.message
    headers = headers_of(letter.place, letter.reason, dict(message.headers() or ()).items())
    return Buried(message.value(), message.key(), headers)
