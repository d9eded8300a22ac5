"""Records in Avro, by schemas that lie in a registry."""

from __future__ import annotations

import io
import json
from typing import Any, NamedTuple

import fastavro
import msgspec

from contract.entities import ENTITIES, Entity, Record, from_fields
from contract.errors import InvalidRecord, NoSchema
from contract.framing import FRAME_BYTES, frame, schema_id_of
from contract.registry import Registry
from contract.schemas import AVRO, Kind, avro_schema, fields_of
from contract.topics import value_subject


class _Way(NamedTuple):
    """The schema by which something was written, and the one by which it is wanted, if that is another."""

    written: Any
    wanted: Any


class AvroCodec:
    """Avro's binary encoding; a reader asks the registry by which schema a record was written, once a schema."""

    name = "avro"

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._schemas: dict[str, Any] = {
            name: fastavro.parse_schema(avro_schema(one)) for name, one in ENTITIES.items()
        }
        self._ids = {name: _fields_with_ids(one) for name, one in ENTITIES.items()}
        self._frames: dict[str, bytes] = {}
        self._ways: dict[tuple[int, str], _Way] = {}

    def prepare(self) -> None:
        """Register the schema of every entity."""
        for name, entity in ENTITIES.items():
            text = json.dumps(avro_schema(entity))
            self._frames[name] = frame(self._registry.register(value_subject(entity, self.name), text, AVRO))

    def encode(self, entity: Entity, record: Record) -> bytes:
        """Return *record* in the registry's frame."""
        fields = msgspec.structs.asdict(record)
        for name in self._ids[entity.name]:
            fields[name] = fields[name].bytes  # the library knows no UUID of 16 bytes
        stream = io.BytesIO()
        stream.write(self._frames[entity.name])
        fastavro.schemaless_writer(stream, self._schemas[entity.name], fields)
        return stream.getvalue()

    def decode(self, entity: Entity, value: bytes) -> Record:
        """Decode by the schema it was written by, as this program's schema wants it, and validate."""
        way = self._way(schema_id_of(value), entity)
        stream = io.BytesIO(value)
        stream.seek(FRAME_BYTES)
        try:
            fields = fastavro.schemaless_reader(stream, *way)
        except Exception as error:  # noqa: BLE001 - bytes of strangers make the library raise whatever they hit
            raise InvalidRecord(f"not {entity.name} in Avro: {_reason(error)}", malformed=True) from None
        if stream.tell() != len(value) or not isinstance(fields, dict):
            raise InvalidRecord(f"not {entity.name} in Avro: something follows the record", malformed=True)
        return from_fields(entity, fields, ids=self._ids[entity.name])

    def _way(self, schema_id: int, entity: Entity) -> _Way:
        """Return how an entity is read that was written by this schema."""
        if (schema_id, entity.name) not in self._ways:
            try:
                text = self._registry.schema(schema_id)
            except NoSchema as error:
                raise InvalidRecord(str(error)) from None
            try:
                schema = json.loads(text)
                written = fastavro.parse_schema(schema)
            except Exception:  # noqa: BLE001 - as above: anybody who reaches the registry may have written it
                raise InvalidRecord(f"schema {schema_id} is none of Avro's") from None
            # without a schema of ours the library need not resolve one against the other
            wanted = None if schema == avro_schema(entity) else self._schemas[entity.name]
            self._ways[schema_id, entity.name] = _Way(written, wanted)
        return self._ways[schema_id, entity.name]


def _fields_with_ids(entity: Entity) -> list[str]:
    return [name for name, kind in fields_of(entity) if kind is Kind.ID]


def _reason(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()[:200]
