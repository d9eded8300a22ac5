"""What a batch holds: rows that can be tried, and letters that are dead already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from confluent_kafka import Message

from contract.codecs import CODECS, HEADER, Codec, JsonCodec
from contract.entities import Entity, Record
from contract.errors import InvalidRecord
from contract.journal import Span
from contract.registry import NoRegistry, Registry
from contract.spans import Spans
from contract.topics import entity_of
from contract.trace_context import TRACEPARENT, TraceContext, read_traceparent
from workers.sink.batch_trace import BatchTrace, TracedMessage

CONFLICT = "conflict: another record with this id is stored"
REASON_CHARACTERS = 500
"""Of a dead letter, in the database."""
_DEFAULT = JsonCodec.name.encode()
_DEFAULT_HEADERS = [(HEADER, _DEFAULT)]

Lots = dict[tuple[str, int], list[Message]]
"""Messages by topic and partition, those of a partition in the order of the log."""


class Place(NamedTuple):
    """Where a message stands in the log."""

    topic: str
    partition: int
    offset: int


class Rows(NamedTuple):
    """Rows of one entity that can be tried, in the order of the log."""

    entity: Entity
    rows: list[bytes]
    """In the format of the database."""
    messages: list[Message]
    """Where each row comes from."""


class DeadLetter(NamedTuple):
    """A message that can never be stored, and why."""

    message: Message
    reason: str

    @property
    def place(self) -> Place:
        """Where the message stands."""
        return place_of(self.message)


class Batch(NamedTuple):
    """What is written in one transaction."""

    tables: Sequence[Rows]
    """Each entity once, in the order of their names."""
    letters: Sequence[DeadLetter]
    spans: list[Span]
    """Where all messages stand in the log."""
    ends: Sequence[Span] = ()
    """Spans behind which the offsets are moved in the same transaction; none where the database keeps no offsets."""
    logged_ms: int = 0
    """When the first of them came into the log, by the clock of who wrote it; 0 where that is not known."""
    trace: BatchTrace | None = None
    """What is noted for the traces of its records; None where none is traced."""

    @property
    def size(self) -> int:
        """How many rows there are."""
        return sum(len(table.rows) for table in self.tables)

    def halves(self) -> tuple[Batch, Batch]:
        """Split the rows in two; the dead letters go with the first half."""
        first, second, left = [], [], self.size // 2
        for entity, rows, messages in self.tables:
            cut = max(left, 0)
            first.append(Rows(entity, rows[:cut], messages[:cut]))
            second.append(Rows(entity, rows[cut:], messages[cut:]))
            left -= len(rows)
        return _part(first, self.letters), _part(second, [])


def _part(tables: Sequence[Rows], letters: Sequence[DeadLetter]) -> Batch:
    messages = [*(one for table in tables for one in table.messages), *(letter.message for letter in letters)]
    return Batch([table for table in tables if table.rows], letters, spans_of(lots_of(messages)))


class RowFormat(Protocol):
    """How records become rows; two records are equal exactly if their rows are."""

    def rows(self, records: Sequence[Record]) -> list[bytes]:
        """Return a row for each of *records*."""
        ...


class Decoder:
    """Turns messages into a batch; trusts nobody who can write to the topics."""

    def __init__(
        self, formats: Mapping[str, RowFormat], registry: Registry | None = None, spans: Spans | None = None
    ) -> None:
        """*formats* are the database's, by entity; *spans* begins those of records that are traced, else none is."""
        self._formats = formats
        self._registry = registry or NoRegistry()
        self._default: Codec = JsonCodec()
        self._codecs: dict[bytes, Codec] = {_DEFAULT: self._default}
        """By their names in headers; others are made when a message names them."""
        self._spans = spans
        self._traced: list[TracedMessage] = []
        """Those of the batch that is being decoded."""

    def batch(self, lots: Lots, begun_s: float = 0.0) -> Batch:
        """Decode the messages of all *lots*, the first of which had come at *begun_s* on the monotonic clock.

        Raises `RegistryUnavailable` where a schema cannot be had now.
        """
        self._traced = []  # where the registry was away it is done anew
        tables: dict[str, Rows] = {}
        letters: list[DeadLetter] = []
        # in the same order in every sink, so that two of them cannot deadlock over tables
        for (topic, _), messages in sorted(lots.items()):
            entity = entity_of(topic)
            records, good = [], []
            for message in messages:
                try:
                    records.append(self.decode(entity, message))
                    good.append(message)
                except InvalidRecord as error:
                    letters.append(DeadLetter(message, str(error)))
            table = tables.setdefault(entity.name, Rows(entity, [], []))
            table.rows.extend(self._formats[entity.name].rows(records))
            table.messages.extend(good)
        logged_ms = min((lot[0].timestamp()[1] for lot in lots.values()), default=0)
        return Batch(list(tables.values()), letters, spans_of(lots), (), logged_ms, self._trace(begun_s))

    def decode(self, entity: Entity, message: Message) -> Record:
        """Return the record; raises `InvalidRecord`, or `RegistryUnavailable` where a schema cannot be had now."""
        headers, value = message.headers(), message.value()
        if headers == _DEFAULT_HEADERS:
            codec = self._default
        else:
            if self._spans is not None:
                self._note_trace(message)
            codec = self._codec(headers)
        if value is None:
            raise InvalidRecord("a message without a value")
        return codec.decode(entity, value)

    def _note_trace(self, message: Message) -> None:
        context = context_of(message)
        if context is not None and context.sampled:
            self._traced.append(TracedMessage(message, context))

    def _trace(self, begun_s: float) -> BatchTrace | None:
        """Return what is to be noted about the batch that has been decoded."""
        if self._spans is None or not self._traced:
            return None
        traced, self._traced = self._traced, []
        return BatchTrace(self._spans, traced, begun_s)

    def _codec(self, headers: Any) -> Codec:
        name = dict(headers or ()).get(HEADER, _DEFAULT)
        codec = self._codecs.get(name) if isinstance(name, bytes) else None
        return codec or self._made(name)

    def _made(self, header: Any) -> Codec:
        make = CODECS.get(header.decode(errors="replace")) if isinstance(header, bytes) else None
        if make is None:
            raise InvalidRecord("unknown codec")
        self._codecs[header] = codec = make(self._registry)
        return codec


def lots_of(messages: Iterable[Message]) -> Lots:
    """Return *messages* by topic and partition."""
    lots: Lots = defaultdict(list)
    for message in messages:
        lots[message.topic(), message.partition()].append(message)  # type: ignore[index]  # a record has both
    return lots


def context_of(message: Message) -> TraceContext | None:
    """Return the span that *message* continues; strangers may have written anything."""
    headers: Any = message.headers()
    value = dict(headers or ()).get(TRACEPARENT)
    return read_traceparent(value) if isinstance(value, bytes) else None


def place_of(message: Message) -> Place:
    """Return where *message* stands."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return Place(topic, partition, offset)


def spans_of(lots: Lots) -> list[Span]:
    """Return the runs of consecutive offsets in *lots*, sorted; a place may stand there twice."""
    return [
        Span(topic, partition, first, last)
        for (topic, partition), messages in sorted(lots.items())
        for first, last in _runs([message.offset() for message in messages])  # type: ignore[misc]  # a record has one
    ]


def _runs(offsets: list[int]) -> list[tuple[int, int]]:
    first, last = min(offsets), max(offsets)
    if len(offsets) == last - first + 1 == len(set(offsets)):
        return [(first, last)]
    runs: list[tuple[int, int]] = []
    for offset in sorted(offsets):
        if runs and offset <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], offset)
        else:
            runs.append((offset, offset))
    return runs
