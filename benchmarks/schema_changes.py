"""Changes of the users' schema that somebody might make, and what a registry that asks for BACKWARD has to say to each.

BACKWARD: who reads by the new version can read all that was written by the one before. So readers go first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from contract.entities import ENTITIES
from contract.schemas import AVRO, PROTOBUF, avro_schema, protobuf_schema

USERS = ENTITIES["users"]


class Change(NamedTuple):
    """One change; *new* is what the next version has beside the fields of today, *gone* what it lacks."""

    kind: str
    name: str
    schema: str
    is_taken: bool
    new: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    gone: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """Under which name it is tried, each on its own."""
        return f"bench-{self.kind.lower()}-{self.name.replace(' ', '-').replace(',', '')}"


def today(kind: str) -> str:
    """Return the schema of users as it is."""
    return json.dumps(avro_schema(USERS)) if kind == AVRO else protobuf_schema(USERS)


def changes() -> list[Change]:
    """Return all of them."""
    return [*_avro(), *_protobuf()]


def _avro() -> list[Change]:
    nickname = {"name": "nickname", "type": "string"}
    named = {"nickname": "Kit"}
    return [
        Change(AVRO, "a field with a default is added", _with(nickname | {"default": ""}), is_taken=True, new=named),
        Change(AVRO, "a field without a default is added", _with(nickname), is_taken=False),
        Change(AVRO, "a field is removed", _edited("city", lambda _: None), is_taken=True, gone=("city",)),
        Change(AVRO, "a field gets another name", _edited("city", lambda one: one | {"name": "town"}), is_taken=False),
        Change(
            AVRO,
            "a field gets another name and keeps the old one as its alias",
            _edited("city", lambda one: one | {"name": "town", "aliases": ["city"]}),
            is_taken=True,
            new={"town": "Ulm"},
            gone=("city",),
        ),
        Change(
            AVRO,
            "a whole number becomes one with a fraction",
            _edited("age", lambda one: one | {"type": "double"}),
            is_taken=True,
            new={"age": 41.5},
        ),
        Change(AVRO, "a number becomes text", _edited("age", lambda one: one | {"type": "string"}), is_taken=False),
    ]


def _protobuf() -> list[Change]:
    text = today(PROTOBUF)
    without_city = "\n".join(line for line in text.splitlines() if " city " not in line) + "\n"
    reserved = without_city.replace("{\n", '{\n  reserved 6;\n  reserved "city";\n', 1)
    return [
        Change(PROTOBUF, "a field is added", text.replace("}", "  string nickname = 20;\n}"), is_taken=True),
        Change(PROTOBUF, "a field is removed", without_city, is_taken=False),
        Change(PROTOBUF, "a field is removed, its number and name reserved", reserved, is_taken=True),
        Change(PROTOBUF, "a field gets another number", text.replace("city = 6", "city = 20"), is_taken=False),
        Change(PROTOBUF, "a number becomes text", text.replace("int64 age", "string age"), is_taken=False),
    ]


def _with(field: dict[str, Any]) -> str:
    schema = avro_schema(USERS)
    schema["fields"].append(field)
    return json.dumps(schema)


def _edited(name: str, edit: Callable[[dict[str, Any]], dict[str, Any] | None]) -> str:
    """Return today's schema with one field changed, or left out where *edit* returns none."""
    schema = avro_schema(USERS)
    edited = [edit(field) if field["name"] == name else field for field in schema["fields"]]
    return json.dumps({**schema, "fields": [field for field in edited if field is not None]})
