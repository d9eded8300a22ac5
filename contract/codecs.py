"""How a record becomes the value of a Kafka message, and back; `contract.keys` does so for its key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from contract.entities import ENTITIES, Entity, Record, field_type, from_fields, parse
from contract.errors import InvalidRecord
from contract.registry import Registry
from contract.schemas import Kind, fields_of

HEADER = "codec"
"""The header in which a message names the codec of its value."""


class Codec(Protocol):
    """One way to write records into the log; `name` travels in each message's ``codec`` header."""

    name: str

    def prepare(self) -> None:
        """Make known to the registry what will be written; may block; raises `SchemaRefused`, `RegistryUnavailable`."""
        ...

    def encode(self, entity: Entity, record: Record) -> bytes:
        """Return the message value of *record*; where a registry is needed, `prepare` has to come first."""
        ...

    def decode(self, entity: Entity, value: bytes) -> Record:
        """Return the record of a message *value*.

        Raises `InvalidRecord` if it is none, and `RegistryUnavailable` where that cannot be known now.
        """
        ...


class JsonCodec:
    """UTF-8 JSON, as the API takes it."""

    name = "json"

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode

    def prepare(self) -> None:
        """Do nothing: names travel with each record."""

    def encode(self, entity: Entity, record: Record) -> bytes:  # noqa: ARG002 - other codecs need the entity's schema
        """Return *record* as JSON."""
        return self._encode(record)

    def decode(self, entity: Entity, value: bytes) -> Record:
        """Decode and validate: a consumer trusts nobody who can write to the topic."""
        return parse(entity, value)


_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_NUMBER = re.compile("-?[0-9]{1,19}")
_PLAIN = {"t": "\t", "n": "\n", "r": "\r"}


class StringCodec:
    r"""A line of text: the fields in their order, with tabs between them, as PostgreSQL's COPY writes them.

    A backslash stands before what would be taken for the end of a field or of the line: ``\\``, ``\t``, ``\n``, ``\r``.
    """

    name = "string"

    def __init__(self) -> None:
        self._numbers = {
            name: [field for field, kind in fields_of(entity) if kind is Kind.NUMBER]
            for name, entity in ENTITIES.items()
        }

    def prepare(self) -> None:
        """Do nothing: who reads has to know the order of the fields."""

    def encode(self, entity: Entity, record: Record) -> bytes:  # noqa: ARG002 - as above
        """Return *record* as a line."""
        fields = msgspec.to_builtins(record).values()
        return "\t".join(str(value).translate(_ESCAPES) for value in fields).encode()

    def decode(self, entity: Entity, value: bytes) -> Record:
        """Decode and validate."""
        try:
            texts = value.decode().split("\t")
        except UnicodeDecodeError:
            raise InvalidRecord("not valid UTF-8", malformed=True) from None
        if len(texts) != len(entity.fields):
            raise InvalidRecord(f"{len(texts)} fields, not {len(entity.fields)}", malformed=True)
        fields: dict[str, Any] = dict(zip(entity.fields, map(_unescaped, texts), strict=True))
        for name in self._numbers[entity.name]:
            if not _NUMBER.fullmatch(fields[name]):
                raise InvalidRecord("not a whole number", pointer=f"/{name}", malformed=True)
            fields[name] = int(fields[name])
        return from_fields(entity, fields)


def _unescaped(text: str) -> str:
    first, *parts = text.split("\\")
    found, left = [first], iter(parts)
    for part in left:
        if part:
            found += _PLAIN.get(part[0], part[0]), part[1:]
        else:  # two of them in a row are one
            found += "\\", next(left, "")
    return "".join(found)


class BytesCodec:
    """MessagePack of the fields in their order: without names, bytes that mean nothing to who does not know it."""

    name = "bytes"

    def __init__(self) -> None:
        self._encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode
        self._decoders: dict[str, msgspec.msgpack.Decoder[Any]] = {
            name: msgspec.msgpack.Decoder(_row_type(entity)) for name, entity in ENTITIES.items()
        }

    def prepare(self) -> None:
        """Do nothing: who reads has to know the order of the fields."""

    def encode(self, entity: Entity, record: Record) -> bytes:  # noqa: ARG002 - as above
        """Return the values of *record*."""
        return self._encode(msgspec.structs.astuple(record))

    def decode(self, entity: Entity, value: bytes) -> Record:
        """Decode and validate."""
        try:
            values = self._decoders[entity.name].decode(value)
        except msgspec.DecodeError as error:
            raise InvalidRecord(f"not the fields of {entity.name}: {error}", malformed=True) from None
        except (UnicodeDecodeError, RecursionError):
            raise InvalidRecord(f"not the fields of {entity.name}", malformed=True) from None
        return from_fields(entity, dict(zip(entity.fields, values, strict=True)))


def _row_type(entity: Entity) -> type:
    """Return the plain types of its fields; their limits are looked at where all codecs are."""
    row: type = tuple.__class_getitem__(tuple(field_type(entity.record, name)[0] for name in entity.fields))  # type: ignore[assignment]
    return row


def _avro(registry: Registry) -> Codec:
    from contract.avro import AvroCodec  # noqa: PLC0415 - a library that few need

    return AvroCodec(registry)


def _protobuf(registry: Registry) -> Codec:
    from contract.protobuf import ProtobufCodec  # noqa: PLC0415 - as above

    return ProtobufCodec(registry)


CODECS: dict[str, Callable[[Registry], Codec]] = {
    "string": lambda _: StringCodec(),
    "bytes": lambda _: BytesCodec(),
    "json": lambda _: JsonCodec(),
    "avro": _avro,
    "protobuf": _protobuf,
}
REGISTERED = ("avro", "protobuf")
"""Those whose schemas lie in a registry."""
