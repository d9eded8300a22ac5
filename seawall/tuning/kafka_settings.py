"""Settings of Kafka's parts that stand together: what a trial runs with, and what a settings file holds."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from seawall.tuning.errors import BadSettings
from seawall.tuning.knob import Place, Value, as_text

_Table = dict[str, Value]
_REGISTERED = {"avro", "protobuf"}
"""Serializers whose schemas lie in a registry."""

TRANSACTIONS = "SEAWALL_KAFKA_TRANSACTIONS"
"""The variable that says whether the API writes in transactions."""


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Values by name, a table for each place; what is not named is as shipped."""

    about: str = ""
    """What they are good for, in a sentence."""
    api: _Table = {}
    producer: _Table = {}
    consumer: _Table = {}
    sink: _Table = {}
    topic: _Table = {}
    broker: _Table = {}
    stack: _Table = {}

    def of(self, place: Place) -> _Table:
        """Return the values of a place."""
        found: _Table = getattr(self, str(place))
        return found

    def turned(self, place: Place, values: _Table) -> KafkaSettings:
        """Return these settings with further *values* of a place."""
        return msgspec.structs.replace(self, **{str(place): {**self.of(place), **values}})

    def over(self, needed: Mapping[Place, _Table]) -> KafkaSettings:
        """Return these settings with what is *needed* by place, where they say nothing else."""
        found = self
        for place, values in needed.items():
            found = found.turned(place, {**values, **found.of(place)})
        return found

    def variables(self) -> dict[str, dict[str, str]]:
        """Return the environment of the services that have to be started with it, by their kind."""
        found: dict[str, dict[str, str]] = {}
        api = self.texts(Place.API)
        if self.producer:
            api["SEAWALL_KAFKA_PRODUCER_PROPERTIES"] = _json(self.producer)
        if api:
            found["api"] = api
        sink = self.texts(Place.SINK)
        if self.consumer:
            sink["SEAWALL_SINK_CONSUMER_PROPERTIES"] = _json(self.consumer)
        if sink:
            found["sink"] = sink
        return found

    @property
    def needs_registry(self) -> bool:
        """Whether a serializer among them has its schemas in a registry."""
        return not _REGISTERED.isdisjoint(self.texts(Place.API).values())

    @property
    def transactional(self) -> bool:
        """Whether the API writes in transactions."""
        return self.texts(Place.API).get(TRANSACTIONS, "none") != "none"

    def texts(self, place: Place) -> dict[str, str]:
        """Return the values of a place as Kafka's own files write them."""
        return {name: as_text(value) for name, value in self.of(place).items()}


def read_settings(path: Path) -> KafkaSettings:
    """Return what a settings file holds; raises `BadSettings`."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), KafkaSettings)
    except OSError as error:
        raise BadSettings([f"{path}: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise BadSettings([f"{path}: {error}"]) from None


def _json(values: _Table) -> str:
    return msgspec.json.encode(values, order="sorted").decode()
