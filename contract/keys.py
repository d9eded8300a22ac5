"""How a record's id becomes the key of a Kafka message, and back; `contract.codecs` does so for its value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

import msgspec

from contract.entities import ENTITIES, Entity
from contract.framing import FRAME_BYTES, frame
from contract.registry import Registry
from contract.schemas import AVRO, AVRO_KEY, PROTOBUF, PROTOBUF_KEY
from contract.topics import key_subject

HEADER = "key-codec"
"""The header in which a message names the codec of its key, where that is not `StringKey`."""
_encode_json = msgspec.json.Encoder().encode
_ID_BYTES, _TEXT_BYTES = 16, 36
_AVRO_BODY = b""
_PROTOBUF_BODY = b"\0\x0a\x10"
"""The first message of its schema; and in it field 1, bytes, 16 of them."""


class KeyCodec(Protocol):
    """One way to write an id as a message's key; the forms differ in length, so that a reader needs no header."""

    name: str

    def prepare(self) -> None:
        """Make known to the registry what will be written; may block; raises `SchemaRefused`, `RegistryUnavailable`."""
        ...

    def encode(self, entity: Entity, identity: UUID) -> bytes:
        """Return the key; where a registry is needed, `prepare` has to come first."""
        ...


class _PlainKey:
    """A key without a schema."""

    def prepare(self) -> None:
        """Do nothing."""


class StringKey(_PlainKey):
    """The text of the id, 36 characters."""

    name = "string"

    def encode(self, entity: Entity, identity: UUID) -> bytes:  # noqa: ARG002 - other codecs need its schema
        """Return the text."""
        return _encode_json(identity)[1:-1]  # str() takes four times as long


class BytesKey(_PlainKey):
    """The 16 bytes of the id."""

    name = "bytes"

    def encode(self, entity: Entity, identity: UUID) -> bytes:  # noqa: ARG002 - as above
        """Return the bytes."""
        return identity.bytes


class JsonKey(_PlainKey):
    """The text of the id as JSON writes it, with quotes."""

    name = "json"

    def encode(self, entity: Entity, identity: UUID) -> bytes:  # noqa: ARG002 - as above
        """Return the text in quotes."""
        return _encode_json(identity)


class RegisteredKey:
    """The 16 bytes of the id as Avro or Protobuf write them, in the registry's frame."""

    def __init__(self, registry: Registry, name: str, kind: str, schema: str, before: bytes) -> None:
        self.name = name
        self._registry, self._kind, self._schema, self._before = registry, kind, schema, before
        self._heads: dict[str, bytes] = {}

    def prepare(self) -> None:
        """Register the schema for the topic of every entity."""
        for name, entity in ENTITIES.items():
            self._heads[name] = (
                frame(self._registry.register(key_subject(entity, self.name), self._schema, self._kind)) + self._before
            )

    def encode(self, entity: Entity, identity: UUID) -> bytes:
        """Return the framed bytes."""
        return self._heads[entity.name] + identity.bytes


KEY_CODECS: dict[str, Callable[[Registry], KeyCodec]] = {
    "string": lambda _: StringKey(),
    "bytes": lambda _: BytesKey(),
    "json": lambda _: JsonKey(),
    "avro": lambda registry: RegisteredKey(registry, "avro", AVRO, AVRO_KEY, _AVRO_BODY),
    "protobuf": lambda registry: RegisteredKey(registry, "protobuf", PROTOBUF, PROTOBUF_KEY, _PROTOBUF_BODY),
}
_BINARY = (_ID_BYTES, *(FRAME_BYTES + len(body) + _ID_BYTES for body in (_AVRO_BODY, _PROTOBUF_BODY)))
_QUOTED = _TEXT_BYTES + 2


def text_of(key: bytes | None) -> bytes | None:
    """Return the id that *key* is, in whichever form, as 36 characters; None where it is none by its length."""
    if key is None or len(key) == _TEXT_BYTES:
        return key
    if len(key) == _QUOTED:
        return key[1:-1]
    if len(key) in _BINARY:
        return _encode_json(UUID(bytes=key[-_ID_BYTES:]))[1:-1]
    return None


def identity_of(key: bytes | None) -> UUID | None:
    """Return the id that *key* is, in whichever form; None where it is none: strangers may have written anything."""
    try:
        text = text_of(key)
        return None if text is None else UUID(text.decode())
    except ValueError:
        return None
