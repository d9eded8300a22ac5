"""What messages say that were written by each serializer, and what is shown of those that say nothing."""

from __future__ import annotations

import msgspec
import pytest
from confluent_kafka import Message
from kept_schemas import Kept
from new_records import new_record

from contract.codecs import CODECS
from contract.entities import ENTITIES
from contract.keys import KEY_CODECS
from contract.registry import NoRegistry
from contract.topics import topic_of
from seawall.observe.decoding import Decoding

USERS = ENTITIES["users"]


def message(value: bytes | None, codec: bytes, topic: str = topic_of(USERS), key: bytes = b"a") -> Message:
    """Return a message whose headers name this codec for value and key."""
    return Message(topic=topic, value=value, key=key, headers=[("codec", codec), ("key-codec", codec)])


@pytest.mark.parametrize("name", CODECS)
def test_every_serializers_records_are_shown_by_their_fields(name: str) -> None:
    """And their keys as the id that they are."""
    registry, user = Kept(), new_record(USERS)
    codec, key_codec = CODECS[name](registry), KEY_CODECS[name](registry)
    codec.prepare()
    key_codec.prepare()
    found = message(codec.encode(USERS, user), name.encode(), key=key_codec.encode(USERS, user.id))
    value, decoded = Decoding(registry).value(found)
    assert decoded
    assert msgspec.convert(value, USERS.record) == user
    assert Decoding(registry).key(found) == str(user.id)


@pytest.mark.parametrize(
    ("value", "codec", "shown"),
    [
        (b"\0\0\0\0\x01\xff", b"avro", "0x0000000001ff"),  # no registry that would know the schema
        (b"\xff", b"protobuf", "0xff"),
        (b"a line", b"string", "a line"),
        (b"a line", b"morse", "a line"),
        (b"\xfe", b"\xff", "0xfe"),
    ],
)
def test_what_cannot_be_decoded_is_shown_as_it_is(value: bytes, codec: bytes, shown: str) -> None:
    """A stranger may name any codec."""
    assert Decoding(NoRegistry()).value(message(value, codec)) == (shown, False)
    assert Decoding(NoRegistry()).value(message(value, codec, topic="elsewhere")) == (shown, False)
    assert Decoding(NoRegistry()).key(message(value, codec, key=b"\xff")) == "0xff"


def test_json_needs_no_header_and_no_record() -> None:
    """It is shown whatever it says; and nothing is nothing."""
    assert Decoding(NoRegistry()).value(Message(topic="elsewhere", value=b"[1]")) == ([1], True)
    assert Decoding(NoRegistry()).value(message(None, b"avro")) == (None, False)
