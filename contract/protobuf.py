"""Records in Protobuf, by schemas that lie in a registry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from contract.entities import ENTITIES, Entity, Record, from_fields
from contract.errors import InvalidRecord
from contract.framing import FRAME_BYTES, frame, schema_id_of
from contract.registry import Registry
from contract.schemas import NAMESPACE, PROTOBUF, Kind, fields_of, protobuf_schema
from contract.topics import value_subject

_FIRST_MESSAGE = b"\0"
"""Which message of the schema it is, the first one, in the short form of the wire format."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TYPES = {
    "bytes": descriptor_pb2.FieldDescriptorProto.TYPE_BYTES,
    "int64": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
}


class ProtobufCodec:
    """Protobuf's binary encoding; fields go by numbers, so a reader needs no other schema than its own."""

    name = "protobuf"

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._messages = _message_classes()
        self._ids = {name: _of(one, Kind.ID) for name, one in ENTITIES.items()}
        self._moments = {name: _of(one, Kind.MOMENT) for name, one in ENTITIES.items()}
        self._frames: dict[str, bytes] = {}

    def prepare(self) -> None:
        """Register the schema of every entity."""
        for name, entity in ENTITIES.items():
            schema_id = self._registry.register(value_subject(entity, self.name), protobuf_schema(entity), PROTOBUF)
            self._frames[name] = frame(schema_id) + _FIRST_MESSAGE

    def encode(self, entity: Entity, record: Record) -> bytes:
        """Return *record* in the registry's frame."""
        fields = msgspec.structs.asdict(record)
        for name in self._ids[entity.name]:
            fields[name] = fields[name].bytes
        for name in self._moments[entity.name]:
            fields[name] = (fields[name] - _EPOCH) // _MICROSECOND
        body: bytes = self._messages[entity.name](**fields).SerializeToString()
        return self._frames[entity.name] + body

    def decode(self, entity: Entity, value: bytes) -> Record:
        """Decode and validate; what a later schema has added is passed over."""
        schema_id_of(value)  # whichever it is: the numbers are all that matters
        start = FRAME_BYTES + len(_FIRST_MESSAGE)
        if value[FRAME_BYTES:start] != _FIRST_MESSAGE:
            raise InvalidRecord("not the first message of its schema", malformed=True)
        try:
            message = self._messages[entity.name].FromString(value[start:])
            fields = {name: getattr(message, name) for name in entity.fields}
            for name in self._moments[entity.name]:
                fields[name] = _EPOCH + fields[name] * _MICROSECOND
        except (DecodeError, OverflowError):
            raise InvalidRecord(f"not {entity.name} in Protobuf", malformed=True) from None
        return from_fields(entity, fields, ids=self._ids[entity.name])


def _of(entity: Entity, kind: Kind) -> list[str]:
    return [name for name, found in fields_of(entity) if found is kind]


def _message_classes() -> dict[str, Any]:
    """Return a class of messages for each entity, as `protoc` would write it from the entity's schema."""
    file = descriptor_pb2.FileDescriptorProto(name="seawall.proto", package=NAMESPACE, syntax="proto3")
    for entity in ENTITIES.values():
        message = file.message_type.add(name=entity.record.__name__)
        for number, (name, kind) in enumerate(fields_of(entity), start=1):
            message.field.add(
                name=name,
                number=number,
                type=_TYPES[kind.protobuf],
                label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{NAMESPACE}.{entity.record.__name__}"))
        for name, entity in ENTITIES.items()
    }
