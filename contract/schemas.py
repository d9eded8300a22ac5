"""An entity's fields as schema languages know them: in Avro and in Protobuf."""

from __future__ import annotations

import json
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from contract.entities import Entity, field_type

NAMESPACE = "seawall"
AVRO, PROTOBUF = "AVRO", "PROTOBUF"
"""What a schema registry calls the two."""
_AVRO_ID: dict[str, Any] = {
    "type": "fixed", "name": "Id", "namespace": NAMESPACE, "size": 16, "logicalType": "uuid",
}  # fmt: skip


class Kind(Enum):
    """What a field holds; its values are the types of Avro and of Protobuf."""

    ID = (f"{NAMESPACE}.Id", "bytes")
    NUMBER = ("long", "int64")
    TEXT = ("string", "string")
    MOMENT = ({"type": "long", "logicalType": "timestamp-micros"}, "int64")
    """In Protobuf the same number, microseconds since 1970: its own Timestamp takes half as much again."""

    @property
    def avro(self) -> Any:
        """Its type in Avro."""
        return self.value[0]

    @property
    def protobuf(self) -> str:
        """Its type in Protobuf."""
        return str(self.value[1])


class Field(NamedTuple):
    """A field of a record."""

    name: str
    kind: Kind


_KINDS = {UUID: Kind.ID, int: Kind.NUMBER, str: Kind.TEXT, datetime: Kind.MOMENT}


def fields_of(entity: Entity) -> list[Field]:
    """Return the fields of *entity*, in the order of its columns."""
    return [Field(name, _KINDS[field_type(entity.record, name)[0]]) for name in entity.fields]


def avro_schema(entity: Entity) -> dict[str, Any]:
    """Return the schema of *entity* in Avro; the type of ids is spelled out where it first occurs."""
    fields: list[dict[str, Any]] = []
    for name, kind in fields_of(entity):
        first_id = kind is Kind.ID and not any(one["type"] == _AVRO_ID for one in fields)
        fields.append({"name": name, "type": _AVRO_ID if first_id else kind.avro})
    return {"type": "record", "name": entity.record.__name__, "namespace": NAMESPACE, "fields": fields}


def protobuf_schema(entity: Entity) -> str:
    """Return the schema of *entity* in Protobuf's own language; numbers follow the order of the fields."""
    lines = [f"  {kind.protobuf} {name} = {number};" for number, (name, kind) in enumerate(fields_of(entity), start=1)]
    return _protobuf_file(entity.record.__name__, lines)


def _protobuf_file(name: str, lines: list[str]) -> str:
    return "\n".join(['syntax = "proto3";', f"package {NAMESPACE};", "", f"message {name} {{", *lines, "}", ""])


AVRO_KEY = json.dumps(_AVRO_ID)
"""The schema of a key that is an id."""
PROTOBUF_KEY = _protobuf_file("Key", ["  bytes id = 1;"])
"""The same in Protobuf, a message of one field."""
