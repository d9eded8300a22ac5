"""Holds the features that a job wrote against those that plain Python finds: each review's once, by its key."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec
from confluent_kafka import Consumer, KafkaException, TopicPartition

from contract.features import TOPIC, canonical
from seawall.audit.errors import AuditFailed

_ASKED_S = 20.0
_WHOLE_S = 120.0
_AT_ONCE = 1_000
_EXAMPLES = 5


@dataclass(frozen=True)
class Written:
    """A message of the topic."""

    key: str
    value: bytes
    at_ms: int
    """When its producer made it, wall clock."""


class FeatureReader:
    """Reads the topic of features from where the log begins. Use as a context manager."""

    def __init__(self, kafka: dict[str, Any]) -> None:
        """Reach the log; raises `AuditFailed`."""
        settings = {"group.id": "seawall-audit", "enable.auto.commit": False, "fetch.wait.max.ms": 20, "log_level": 0}
        self._consumer = Consumer({**kafka, **settings})
        try:
            found = self._consumer.list_topics(TOPIC, timeout=_ASKED_S).topics[TOPIC].partitions
            self._begins = {
                number: self._consumer.get_watermark_offsets(TopicPartition(TOPIC, number), timeout=_ASKED_S)[0]
                for number in found
            }
        except KafkaException as error:
            self._consumer.close()
            raise AuditFailed(f"{TOPIC} could not be read: {error.args[0].str()}") from None
        self._at = dict(self._begins)
        self._consumer.assign([TopicPartition(TOPIC, number, offset) for number, offset in self._begins.items()])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def news(self, wait_s: float) -> list[Written]:
        """Return what has come since the last call, after *wait_s* at most; raises `AuditFailed`."""
        found = []
        for message in self._consumer.consume(_AT_ONCE, wait_s):
            if message.error() is not None:
                raise AuditFailed(f"{TOPIC} could not be read: {message.error()}")
            partition, offset = message.partition(), message.offset()
            assert partition is not None  # since there is no error
            assert offset is not None
            self._at[partition] = offset + 1
            key, value = message.key() or b"", message.value() or b""
            text = key if isinstance(key, str) else key.decode("utf-8", "replace")
            found.append(Written(text, value if isinstance(value, bytes) else value.encode(), message.timestamp()[1]))
        return found

    def rest(self) -> list[Written]:
        """Return what there is up to the log's end of now; raises `AuditFailed`."""
        deadline_s, found = time.monotonic() + _WHOLE_S, []
        ends = {
            number: self._consumer.get_watermark_offsets(TopicPartition(TOPIC, number), timeout=_ASKED_S)[1]
            for number in self._at
        }
        while any(self._at[number] < end for number, end in ends.items()):
            if time.monotonic() > deadline_s:
                raise AuditFailed(f"{TOPIC} could not be read to its end within {_WHOLE_S:.0f} s")
            found += self.news(0.2)
        return found


@dataclass
class FeatureAudit:
    """What was found; all but the first three should be 0."""

    distinct: int = 0
    """Reviews with features."""
    written: int = 0
    """Messages."""
    repeats: int = 0
    """Messages of a key that was there before; whoever reads by key does not see them."""
    missing: int = 0
    """Acknowledged by the log, and without features."""
    phantom: int = 0
    """Features of reviews that nobody sent."""
    differing: int = 0
    """Messages that are not, byte for byte in their canonical form, what plain Python finds."""
    examples: list[str] = field(default_factory=list)

    def wrong(self) -> dict[str, int]:
        """Return what should be 0 and is not."""
        return {name: found for name in ("missing", "phantom", "differing") if (found := getattr(self, name))}


def audit_features(written: Iterable[Written], expected: Mapping[str, bytes], acked: set[str]) -> FeatureAudit:
    """Hold all that was *written* against the features *expected* of each review, by ids."""
    found = FeatureAudit()
    seen: set[str] = set()
    for one in written:
        found.written += 1
        if one.key in seen:
            found.repeats += 1
        seen.add(one.key)
        if one.key in expected and _canonical(one.value) != expected[one.key]:
            found.differing += 1
            found.examples.append(one.key)
    missing, phantom = (acked & expected.keys()) - seen, seen - expected.keys()
    found.distinct, found.missing, found.phantom = len(seen & expected.keys()), len(missing), len(phantom)
    found.examples = [*found.examples, *sorted(missing), *sorted(phantom)][:_EXAMPLES]
    return found


def _canonical(value: bytes) -> bytes:
    try:
        return canonical(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return b""
