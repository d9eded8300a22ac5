"""Which partition a record goes to: by its key, or chosen here, since the client for Python has no callback."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from confluent_kafka import murmur2

from contract.ids import split

BY_KEY = -1
"""What librdkafka takes for "by the key", which is `RD_KAFKA_PARTITION_UA`."""


class Partitioner(Protocol):
    """One way to choose; called for each record, in the event loop's thread."""

    def choose(self, identity: UUID, topic: str, partitions: int) -> int:
        """Return one of the *partitions* of *topic* by its number, or `BY_KEY`."""
        ...


class ByKey:
    """librdkafka hashes the key; what it hashes by is its own property, ``partitioner``."""

    def choose(self, identity: UUID, topic: str, partitions: int) -> int:  # noqa: ARG002 - others need it
        """Return `BY_KEY`."""
        return BY_KEY


class Explicit:
    """The id's number within its user names the partition: whoever sends decides, record by record."""

    def choose(self, identity: UUID, topic: str, partitions: int) -> int:  # noqa: ARG002 - as above
        """Return the number, modulo the partitions."""
        return split(identity).sequence % partitions


class ByUser:
    """A user's records lie in one partition, whatever their keys: our own choice, by Java's hash (murmur2)."""

    def choose(self, identity: UUID, topic: str, partitions: int) -> int:  # noqa: ARG002 - as above
        """Return where the user's records lie."""
        found: int = murmur2(split(identity).user.to_bytes(4, "big"), partitions)
        return found


class RoundRobin:
    """Each topic's partitions in turn, a record each."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def choose(self, identity: UUID, topic: str, partitions: int) -> int:  # noqa: ARG002 - as above
        """Return the next one."""
        number = self._next.get(topic, 0) % partitions
        self._next[topic] = number + 1
        return number


class Sticky:
    """One partition of a topic for a while, then another that is drawn: few large batches (as KIP-480 has it)."""

    def __init__(self, stays_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._stays_s, self._clock = stays_s, clock
        self._draw = random.Random()
        self._chosen: dict[str, tuple[int, float]] = {}

    def choose(self, identity: UUID, topic: str, partitions: int) -> int:  # noqa: ARG002 - as above
        """Return the one of the moment."""
        now_s = self._clock()
        number, until_s = self._chosen.get(topic, (BY_KEY, 0.0))
        if now_s >= until_s or number >= partitions:
            others = [one for one in range(partitions) if one != number] or [0]
            number = self._draw.choice(others)
            self._chosen[topic] = number, now_s + self._stays_s
        return number


PARTITIONERS: dict[str, Callable[[float], Partitioner]] = {
    "key": lambda _: ByKey(),
    "explicit": lambda _: Explicit(),
    "user": lambda _: ByUser(),
    "round-robin": lambda _: RoundRobin(),
    "sticky": Sticky,
}
"""By name; each is made with the seconds for which a sticky one stays."""
