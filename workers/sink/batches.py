"""What a batch holds: records that can be tried, and letters that are dead already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from confluent_kafka import Message

from contract.codecs import CODECS, Codec
from contract.entities import Entity, Record
from contract.errors import InvalidRecord
from contract.journal import Span
from contract.topics import entity_of


class Place(NamedTuple):
    """Where a message stands in the log."""

    topic: str
    partition: int
    offset: int


class Row(NamedTuple):
    """A record that can be tried."""

    place: Place
    entity: Entity
    record: Record
    message: Message


class DeadLetter(NamedTuple):
    """A message that can never be stored, and why."""

    place: Place
    reason: str
    message: Message


class Batch(NamedTuple):
    """What is written in one transaction."""

    rows: Sequence[Row]
    letters: Sequence[DeadLetter]

    def places(self) -> list[Place]:
        """Return the places of all messages, in the order of the log."""
        return sorted([row.place for row in self.rows] + [letter.place for letter in self.letters])

    def halves(self) -> tuple[Batch, Batch]:
        """Split the rows in two; the dead letters go with the first half."""
        middle = len(self.rows) // 2
        return Batch(self.rows[:middle], self.letters), Batch(self.rows[middle:], [])


class Decoder:
    """Turns messages into a batch; trusts nobody who can write to the topics."""

    def __init__(self) -> None:
        self._codecs: dict[str, Codec] = {name: codec() for name, codec in CODECS.items()}

    def batch(self, messages: Iterable[Message]) -> Batch:
        """Decode *messages*."""
        rows: list[Row] = []
        letters: list[DeadLetter] = []
        for message in messages:
            place = place_of(message)
            entity = entity_of(place.topic)
            try:
                rows.append(Row(place, entity, self._decode(entity, message), message))
            except InvalidRecord as error:
                letters.append(DeadLetter(place, str(error), message))
        return Batch(rows, letters)

    def _decode(self, entity: Entity, message: Message) -> Record:
        name = dict(message.headers() or ()).get("codec", b"json")
        codec = self._codecs.get(name.decode(errors="replace") if isinstance(name, bytes) else str(name))
        if codec is None:
            raise InvalidRecord("unknown codec")
        value = message.value()
        if value is None:
            raise InvalidRecord("a message without a value")
        return codec.decode(entity, value)


def place_of(message: Message) -> Place:
    """Return where *message* stands."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return Place(topic, partition, offset)


def spans_of(places: Iterable[Place]) -> list[Span]:
    """Return the runs of consecutive offsets in sorted *places*; a place may stand there twice."""
    spans: list[Span] = []
    for topic, partition, offset in places:
        last = spans[-1] if spans else None
        if last and (last.topic, last.partition) == (topic, partition) and offset <= last.last + 1:
            spans[-1] = Span(topic, partition, last.first, offset)
        else:
            spans.append(Span(topic, partition, offset, offset))
    return spans
