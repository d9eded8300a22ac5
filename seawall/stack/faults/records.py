"""Records in the log that can never be stored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from confluent_kafka import Producer

from contract.topics import record_topics
from seawall.stack.faults.administrator import administrators_of, errors_of
from seawall.stack.faults.fault import Field, NoEffect, wait_until

_ACKED_WITHIN_S, _BURIED_WITHIN_S = 10.0, 30.0
_KEY = "poison-"


class Poison:
    """Messages that nobody can read, among the others on every topic."""

    def __init__(self, field: Field) -> None:
        self._settings = field.stack.connections.kafka
        self._open = administrators_of(field.stack.connections)
        self._errors = errors_of(field.stack.connections)
        self._sent = 0

    def begin(self) -> None:
        """Write them all."""
        producer = Producer({**self._settings, "acks": "all", "log_level": 0})
        for topic in record_topics():
            for value, headers in _unreadable():
                producer.produce(topic, value, f"{_KEY}{uuid4()}".encode(), headers=headers)
                self._sent += 1
        if producer.flush(_ACKED_WITHIN_S):
            raise NoEffect("Kafka did not acknowledge what was to spoil its topics")

    def end(self) -> None:
        """There is nothing to put back: they are part of the log."""

    def bite(self) -> str:
        """Say that all of them, and each once, are in the table of dead letters."""

        def buried() -> bool:
            with contextlib.suppress(*self._errors), contextlib.closing(self._open()) as database:
                return database.letters(_KEY) == self._sent
            return False

        if not (self._sent and wait_until(buried, _BURIED_WITHIN_S)):
            return ""
        return f"{self._sent} messages that cannot be read, each in the table of dead letters"


def _unreadable() -> Iterator[tuple[bytes | None, list[tuple[str, str | bytes | None]] | Any]]:
    yield None, []
    yield b"", []
    yield b"\xff\xfe not JSON", []
    yield b'{"id": "not one"}', []
    yield b"[" * 5_000, []
    yield b'{"id":"00000000-0000-8000-8000-000000000000"}', [("codec", b"unknown")]


def poison(field: Field) -> Poison:
    """Return what spoils the topics."""
    return Poison(field)
