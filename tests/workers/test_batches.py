"""What a batch is made of: lots, spans, and halves."""

from __future__ import annotations

import msgspec
import pytest
from confluent_kafka import Message
from new_records import new_record

from contract.entities import ENTITIES
from contract.journal import Span
from contract.topics import topic_of
from workers.sink.batches import Batch, Decoder, lots_of, spans_of
from workers.sink.rows import ROW_FORMATS

USERS, ORDERS = ENTITIES["users"], ENTITIES["orders"]


def message(offset: int, *, partition: int = 0, entity: str = "users", value: bytes | None = b"{}") -> Message:
    """Return a message of a topic of ours."""
    return Message(topic=topic_of(ENTITIES[entity]), partition=partition, offset=offset, value=value)


@pytest.mark.parametrize(
    ("offsets", "runs"),
    [
        ([4, 5, 6], [(4, 6)]),
        ([4, 6, 7], [(4, 4), (6, 7)]),
        ([6, 4, 5], [(4, 6)]),
        ([4, 5, 5, 6], [(4, 6)]),
        ([4, 4, 6], [(4, 4), (6, 6)]),
        ([9], [(9, 9)]),
    ],
)
def test_spans_are_the_runs_of_offsets(offsets: list[int], runs: list[tuple[int, int]]) -> None:
    """Gaps, places that come twice, and a partition that begins again: never an offset that was not there."""
    lots = lots_of(message(offset) for offset in offsets)
    assert spans_of(lots) == [Span("seawall.users", 0, first, last) for first, last in runs]


def test_partitions_have_spans_of_their_own() -> None:
    """Sorted by topic and partition, however the messages came."""
    mixed = [message(7, partition=1), message(3), message(8, partition=1), message(1, entity="orders")]
    assert spans_of(lots_of(mixed)) == [
        Span("seawall.orders", 0, 1, 1),
        Span("seawall.users", 0, 3, 3),
        Span("seawall.users", 1, 7, 8),
    ]


def _batch() -> Batch:
    orders = [msgspec.json.encode(new_record(ORDERS)) for _ in range(3)]
    users = [msgspec.json.encode(new_record(USERS)) for _ in range(4)]
    return Decoder(ROW_FORMATS).batch(
        lots_of(
            [
                *(message(offset, entity="orders", value=value) for offset, value in enumerate(orders)),
                *(message(offset, value=value) for offset, value in enumerate([*users, b"{}", None])),
            ]
        )
    )


def test_halves_hold_every_row_once_and_the_letters_once() -> None:
    """Split again and again, a batch comes down to single rows; nothing is lost, doubled or moved to another place."""

    def singles(batch: Batch) -> list[Batch]:
        return [batch] if batch.size == 1 else [one for half in batch.halves() for one in singles(half)]

    whole = _batch()
    parts = singles(whole)
    assert [len(part.tables) for part in parts] == [1] * 7
    assert [row for part in parts for row in part.tables[0].rows] == [row for one in whole.tables for row in one.rows]
    assert [letter for part in parts for letter in part.letters] == list(whole.letters)
    assert len(whole.letters) == 2
    places = [
        (span.topic, offset) for part in parts for span in part.spans for offset in range(span.first, span.last + 1)
    ]
    assert sorted(places) == [("seawall.orders", n) for n in range(3)] + [("seawall.users", n) for n in range(6)]


@pytest.mark.parametrize(
    "headers",
    [None, [], [("codec", b"json")], [("trace", b"1"), ("codec", b"json")], [("codec", b"old"), ("codec", b"json")]],
)
def test_a_record_is_read_whatever_else_its_headers_say(headers: list[tuple[str, str | bytes | None]] | None) -> None:
    """No header means JSON, others do not matter, and of two the last counts."""
    value = msgspec.json.encode(new_record(USERS))
    found = Decoder(ROW_FORMATS).batch(
        lots_of([Message(topic=topic_of(USERS), partition=0, offset=0, value=value, headers=headers)])
    )
    assert (found.size, found.letters) == (1, [])
