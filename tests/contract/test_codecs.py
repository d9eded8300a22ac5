"""Codecs and keys: what is written is what is read, and nothing else is taken for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import msgspec
import pytest
from kept_schemas import Kept
from new_records import new_record

from contract.avro import AvroCodec
from contract.codecs import CODECS, Codec
from contract.entities import ENTITIES
from contract.errors import InvalidRecord
from contract.framing import frame
from contract.keys import KEY_CODECS, identity_of, text_of
from contract.registry import NoRegistry
from contract.schemas import AVRO, avro_schema
from contract.topics import value_subject

USERS, ORDERS = ENTITIES["users"], ENTITIES["orders"]
HARD = "tab\tbackslash\\t line\nreturn\r 서울 \\\\ 'quoted' \\"
FAR_AWAY = datetime(2199, 12, 30, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=-11)))


@pytest.fixture(params=CODECS)
def codec(request: pytest.FixtureRequest) -> Codec:
    """Return each codec, ready to write."""
    made = CODECS[request.param](Kept())
    made.prepare()
    assert made.name == request.param
    return made


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=lambda entity: entity.name)
def test_a_record_comes_back(codec: Codec, entity: object) -> None:
    """Of each entity, as drawn."""
    for _ in range(60):
        record = new_record(entity)  # type: ignore[arg-type]  # a parameter
        assert codec.decode(entity, codec.encode(entity, record)) == record  # type: ignore[arg-type]


def test_hard_values_come_back(codec: Codec) -> None:
    """What an encoding gives a meaning of its own, the largest number, and a time to the microsecond."""
    order = new_record(ORDERS, note=HARD, total_cents=10**12, placed_at=FAR_AWAY)
    assert codec.decode(ORDERS, codec.encode(ORDERS, order)) == order
    early = new_record(ORDERS, note="", total_cents=0, placed_at=datetime(1970, 1, 1, tzinfo=UTC))
    assert codec.decode(ORDERS, codec.encode(ORDERS, early)) == early


def test_rules_hold_in_every_codec(codec: Codec) -> None:
    """What JSON could not bring into the table, no other encoding can either."""
    right = new_record(USERS)
    for wrong in ({"age": 151}, {"name": ""}, {"email": "nobody"}, {"city": "a\0b"}, {"country": "kr"}):
        record = msgspec.structs.replace(right, **wrong)
        with pytest.raises(InvalidRecord) as caught:
            codec.decode(USERS, codec.encode(USERS, record))
        assert not caught.value.malformed
    with pytest.raises(InvalidRecord):
        codec.decode(ORDERS, codec.encode(USERS, right))  # another entity's


def test_parts_of_a_message_are_refused(codec: Codec) -> None:
    """Whatever is cut off of it, and whatever follows."""
    value = codec.encode(ORDERS, new_record(ORDERS, note="a note"))
    for end in range(len(value)):
        if codec.name == "protobuf" and end > 6:
            continue  # every field of it may be missing
        with pytest.raises(InvalidRecord):
            codec.decode(ORDERS, value[:end])
    with pytest.raises(InvalidRecord):
        codec.decode(ORDERS, value + b"\xff")


def test_binary_encodings_are_smaller() -> None:
    """Names and digits take room; a schema in a registry takes none."""
    registry, sizes = Kept(), {}
    records = [new_record(ORDERS) for _ in range(50)]
    for name, make in CODECS.items():
        codec = make(registry)
        codec.prepare()
        sizes[name] = sum(len(codec.encode(ORDERS, record)) for record in records)
    assert max(sizes[name] for name in ("bytes", "avro", "protobuf")) < sizes["string"] < sizes["json"]


def test_avro_reads_what_an_older_and_a_newer_program_wrote() -> None:
    """By the schema that the id in the message names: what is unknown is passed over, what is missing has a default."""
    registry = Kept()
    codec = AvroCodec(registry)
    codec.prepare()
    newer = avro_schema(USERS)
    newer["fields"].insert(1, {"name": "nickname", "type": "string", "default": ""})
    schema_id = registry.register(value_subject(USERS, "avro"), json.dumps(newer), AVRO)
    user = new_record(USERS)
    value = codec.encode(USERS, user)
    body = value[5:21] + b"\x06abc" + value[21:]  # the id, then three letters
    assert codec.decode(USERS, frame(schema_id) + body) == user
    older = avro_schema(USERS)
    del older["fields"][-1]
    schema_id = registry.register(value_subject(USERS, "avro"), json.dumps(older), AVRO)
    with pytest.raises(InvalidRecord, match="created_at"):  # which has no default, so it is refused and not made up
        codec.decode(USERS, frame(schema_id) + value[5:])


@pytest.mark.parametrize("name", ["avro", "protobuf"])
def test_what_is_not_framed_is_refused(name: str) -> None:
    """And so is an id that nobody knows, or that names no schema of the kind."""
    registry = Kept()
    codec = CODECS[name](registry)
    codec.prepare()
    for value in (b"", b"\0\0\0", b'{"id": 1}', frame(2**32 - 1), frame(registry.register("a", "text", AVRO)) + b"\0"):
        with pytest.raises(InvalidRecord):
            codec.decode(USERS, value)


def test_without_a_registry_avro_cannot_be_read_at_all() -> None:
    """A stranger's message is refused, and not waited for."""
    with pytest.raises(InvalidRecord, match="no schema registry is configured"):
        CODECS["avro"](NoRegistry()).decode(USERS, frame(1))


def test_keys_differ_by_their_lengths_and_name_the_same_id() -> None:
    """Whoever reads a key needs not know how it was written."""
    registry, keys = Kept(), {}
    identity = new_record(USERS).id
    for name, make in KEY_CODECS.items():
        codec = make(registry)
        codec.prepare()
        assert codec.name == name
        keys[name] = codec.encode(USERS, identity)
    assert len({len(key) for key in keys.values()}) == len(KEY_CODECS)
    assert {identity_of(key) for key in keys.values()} == {identity}
    assert {text_of(key) for key in keys.values()} == {str(identity).encode()}


@pytest.mark.parametrize("key", [None, b"", b"a", b"x" * 36, b"y" * 38, b"\xff" * 36, b"-" * 37])
def test_a_key_that_is_no_id_is_none(key: bytes | None) -> None:
    """Strangers may have written anything."""
    assert identity_of(key) is None


def test_keys_are_what_the_libraries_write() -> None:
    """The bytes that stand before the id are no invention."""
    codec = KEY_CODECS["avro"](Kept())
    codec.prepare()
    identity = UUID(int=7)
    assert codec.encode(USERS, identity)[5:] == identity.bytes  # fixed: nothing but the bytes
    from google.protobuf.wrappers_pb2 import BytesValue  # noqa: PLC0415 - a message with a field 1 of bytes

    codec = KEY_CODECS["protobuf"](Kept())
    codec.prepare()
    assert codec.encode(USERS, identity)[6:] == BytesValue(value=identity.bytes).SerializeToString()
