"""Messages of the log as subscribers see them."""

from __future__ import annotations

import logging
import threading
from typing import NamedTuple

import msgspec
from confluent_kafka import Message

from contract.codecs import CODECS, HEADER, Codec, JsonCodec
from contract.entities import ENTITIES, Entity
from contract.errors import InvalidRecord
from contract.registry import NoRegistry, Registry
from contract.topics import entity_of
from workers.feed.filters import Subject, subjects_of

log = logging.getLogger(__name__)

_DEFAULT = JsonCodec.name.encode()
_encode = msgspec.json.Encoder().encode


class Published(NamedTuple):
    """A record, where it lies in the log, whom it is about, and the JSON that subscribers get."""

    entity: str
    partition: int
    offset: int
    subjects: tuple[Subject, ...]
    json: bytes


def place_of(message: Message) -> tuple[str, int, int]:
    """Return entity, partition and offset of a message without an error."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return entity_of(topic).name, partition, offset


class Reading:
    """Turns messages into records; trusts nobody who can write to the topics."""

    def __init__(self, registry: Registry | None = None) -> None:
        """*registry* knows the schemas by which records were written, where some were."""
        self._registry = registry or NoRegistry()
        self._codecs: dict[bytes, Codec] = {}
        # Two threads that have msgspec decode a type for the first time at once crash the process (0.22).
        self._one_at_a_time = threading.Lock()

    def published(self, message: Message) -> Published | None:
        """Return the record of *message*; None where it holds none, which the sinks bury as a dead letter.

        Raises `RegistryUnavailable` where that cannot be known now.
        """
        name, partition, offset = place_of(message)
        entity = ENTITIES[name]
        try:
            with self._one_at_a_time:
                json, subjects = self._decoded(entity, message)
        except InvalidRecord as error:
            log.warning("%s, partition %d, offset %d: not shown: %s", name, partition, offset, error)
            return None
        place = f'{{"entity":"{entity.name}","partition":{partition},"offset":{offset},"record":'.encode()
        return Published(entity.name, partition, offset, subjects, b"%b%b}" % (place, json))

    def _decoded(self, entity: Entity, message: Message) -> tuple[bytes, tuple[Subject, ...]]:
        value = message.value()
        if value is None:
            raise InvalidRecord("a message without a value")
        headers = dict(message.headers() or ())
        record = self._codec(headers.get(HEADER, _DEFAULT)).decode(entity, value)
        # written anew: what came may hold line ends, which would end a server-sent event
        return _encode(record), subjects_of(entity, record)

    def _codec(self, name: object) -> Codec:
        if not isinstance(name, bytes):
            raise InvalidRecord("unknown codec")
        if name not in self._codecs:
            make = CODECS.get(name.decode(errors="replace"))
            if make is None:
                raise InvalidRecord("unknown codec")
            self._codecs[name] = make(self._registry)
        return self._codecs[name]
