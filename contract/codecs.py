"""How a record becomes the value of a Kafka message, and back."""

from __future__ import annotations

from typing import Protocol

import msgspec

from contract.entities import Entity, Record, parse


class Codec(Protocol):
    """One way to write records into the log; `name` travels in each message's ``codec`` header."""

    name: str

    def encode(self, entity: Entity, record: Record) -> bytes:
        """Return the message value of *record*."""
        ...

    def decode(self, entity: Entity, value: bytes) -> Record:
        """Return the record of a message *value*; raises `InvalidRecord` if it is none."""
        ...


class JsonCodec:
    """UTF-8 JSON, as the API takes it."""

    name = "json"

    def __init__(self) -> None:
        self._encode = msgspec.json.Encoder().encode

    def encode(self, entity: Entity, record: Record) -> bytes:  # noqa: ARG002 - other codecs need the entity's schema
        """Return *record* as JSON."""
        return self._encode(record)

    def decode(self, entity: Entity, value: bytes) -> Record:
        """Decode and validate: a consumer trusts nobody who can write to the topic."""
        return parse(entity, value)


CODECS: dict[str, type[Codec]] = {"json": JsonCodec}
