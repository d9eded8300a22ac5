"""One setting that can be turned: what it means, which values it takes, and which are worth trying."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

Value = bool | int | float | str


class Place(StrEnum):
    """Whose setting it is."""

    API = "api"
    """The API, by the name of its environment variable."""
    PRODUCER = "producer"
    """The API's producer, by librdkafka's name."""
    CONSUMER = "consumer"
    """The sinks' consumers, by librdkafka's name."""
    SINK = "sink"
    """The sinks, by the name of their environment variable."""
    TOPIC = "topic"
    """The records' topics, by Kafka's name."""
    BROKER = "broker"
    """The brokers, by Kafka's name."""
    STACK = "stack"
    """What topics are created with and brokers are started by, in words of our own."""


class Knob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A setting as the catalogue describes it."""

    name: str
    place: Place
    means: str
    """In a sentence."""
    default: Value
    """Of librdkafka, of the broker, of the API, or of the sink."""
    java: Value | None = None
    """Of Kafka's own client, in words where there is no such value."""
    ours: Value | None = None
    """What Seawall ships, where that is another one."""
    levels: tuple[Value, ...]
    """What is swept unless others are named: the default, and what guides recommend."""
    range: tuple[int, int] | None = None
    choices: tuple[Value, ...] | None = None
    words: dict[str, int] = {}
    """Words that stand for a number, such as ``all``."""
    unsafe: str = ""
    """What some of its values risk."""
    needs: dict[str, Value] = msgspec.field(default_factory=dict, name="with")
    """Settings of the same place without which it could not be turned; held the same over all levels."""
    needs_of_topics: dict[str, Value] = msgspec.field(default_factory=dict, name="with_topic")
    """The same of topics, for a knob of another place."""
    on_disk: bool = False
    """Whether what it does shows in what is left on the brokers' disks."""
    rewrites: int = 0
    """How many times each record is written once more in its sweep, where nobody says: keys come once else."""
    missing: dict[str, str] = {}
    """Values that guides name and that cannot be had here, and why."""
    brokers: int = 1
    """How many there have to be for it to matter."""
    at_start: bool = False
    """Whether brokers take it only when they are started."""

    @property
    def shipped(self) -> Value:
        """The value that a stack has when nobody asks for another."""
        return self.default if self.ours is None else self.ours

    @property
    def needs_own_servers(self) -> bool:
        """Whether no running server can be given another value."""
        return self.at_start or self.place is Place.STACK

    @property
    def beside(self) -> dict[Place, dict[str, Value]]:
        """By place, settings without which it could not be turned."""
        found: dict[Place, dict[str, Value]] = {self.place: dict(self.needs)}
        if self.needs_of_topics:
            found[Place.TOPIC] = {**self.needs_of_topics, **found.get(Place.TOPIC, {})}
        return found

    def read(self, text: str) -> Value:
        """Return the value that *text* names; raises `ValueError` with what would do."""
        if text in self.missing:
            raise ValueError(f"{self.name}={text} cannot be had: {self.missing[text]}")
        if self.choices is not None:
            found = {as_text(choice): choice for choice in self.choices}
            if text not in found:
                raise ValueError(f"{self.name} is {text!r}: choose {', '.join(found)}")
            return found[text]
        assert self.range is not None
        low, high = self.range
        try:
            number = self.words[text] if text in self.words else int(text)
        except ValueError:
            raise ValueError(f"{self.name} is {text!r}: give a whole number") from None
        if not low <= number <= high:
            raise ValueError(f"{self.name} is {text}: choose {low:,} to {high:,}")
        return number

    def check(self, value: Any) -> str:
        """Return what is wrong with *value*; empty where nothing is."""
        try:
            self.read(as_text(value))
        except ValueError as error:
            return str(error)
        return ""


def as_text(value: Value) -> str:
    """Return *value* as Kafka's configuration files write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
