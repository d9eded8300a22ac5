"""Publishes the reviews that no model judges, and the messages that hold none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contract.reviews import REVIEW_HEADER
from workers.dead_letter_topic import Buried, DeadLetterProducer, headers_of
from workers.sink.batches import Place

_REASON_CHARACTERS = 300
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
    """Writes to `contract.topics.DEAD_LETTER_TOPIC`."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self._producer = DeadLetterProducer(connection, "seawall-review-letters")

    def publish(self, letters: Sequence[Letter]) -> list[Letter]:
        """Publish *letters*, wait for their acknowledgements, and return those without one."""
        left = self._producer.publish([_buried(letter) for letter in letters])
        return [letters[number] for number in left]


def _buried(letter: Letter) -> Buried:
    reason, about = letter.reason[:_REASON_CHARACTERS], {REVIEW_HEADER: letter.review}
    return Buried(letter.value, letter.key, headers_of(letter.place, reason, letter.headers, **about))
