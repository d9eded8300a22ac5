"""Spans of a batch in which records are traced: one of the batch, and one of each such record in the record's trace.

A record's spans continue those of the API, whose context came in its message's headers. The batch has a trace of its
own, with a link to each of those, and they have one to it. All are made when the batch is over, of the times noted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from confluent_kafka import Message

from contract.spans import OF_DATABASE, RECORD_ID, Attributes, Kind, Span, Spans, of_place, of_topic
from contract.trace_context import TraceContext

_MOST = 100
"""So many records of a batch are shown: where all are traced, a batch has thousands."""
_WRITE = "write"
_NAMES: dict[str, tuple[str, Kind, Attributes]] = {
    _WRITE: ("COPY", "client", OF_DATABASE),
    "bury": ("publish seawall.dead-letters", "producer", {}),
}
"""How stages that have another name in the counts, or another kind, appear."""


class TracedMessage(NamedTuple):
    """A message of the batch, and the span that it continues."""

    message: Message
    context: TraceContext


class Outcome(Protocol):
    """What the batch came to."""

    @property
    def stored(self) -> int:
        """Rows that are new."""
        ...

    @property
    def duplicates(self) -> int:
        """Rows that were there already."""
        ...

    @property
    def letters(self) -> Sequence[object]:
        """Messages that can never be stored."""
        ...


class _Stage(NamedTuple):
    name: str
    begun_ns: int
    ended_ns: int


class BatchTrace:
    """What is noted about one batch while it is moved."""

    def __init__(self, spans: Spans, messages: Sequence[TracedMessage], begun_s: float) -> None:
        """The first message of the batch had come at *begun_s* on the monotonic clock."""
        self._spans, self._messages = spans, messages[:_MOST]
        self._begun_ns = int(begun_s * 1e9)
        self._stages: list[_Stage] = []

    def stage(self, name: str, begun_s: float) -> None:
        """Note a stage that began at *begun_s* on the monotonic clock and is over."""
        self._stages.append(_Stage(name, int(begun_s * 1e9), time.monotonic_ns()))

    def end(self, outcome: Outcome) -> None:
        """Make the spans: the rows are committed, and the offsets are on their way."""
        counts = {
            "messaging.batch.message_count": outcome.stored + outcome.duplicates + len(outcome.letters),
            "seawall.batch.stored": outcome.stored,
            "seawall.batch.duplicates": outcome.duplicates,
            "seawall.batch.dead_lettered": len(outcome.letters),
        }
        links = [traced.context for traced in self._messages]
        batch = self._spans.begin(
            "process batch",
            "consumer",
            begun_ns=self._begun_ns,
            links=links,
            attributes={"messaging.system": "kafka", **counts},
        )
        self._show(batch)
        of_batch = [batch.context] if batch.context else []
        for message, context in self._messages:
            topic = message.topic() or ""
            record = self._spans.begin(
                f"process {topic}",
                "consumer",
                context,
                begun_ns=self._begun_ns,
                links=of_batch,
                attributes={
                    **of_topic(topic),
                    **of_place(message.partition() or 0, message.offset() or 0),
                    RECORD_ID: (message.key() or b"").decode(errors="replace"),
                    **counts,
                },
            )
            self._show(record)

    def _show(self, span: Span) -> None:
        span.stage("receive", self._begun_ns, self._stages[0].begun_ns)
        for name, begun_ns, ended_ns in self._stages:
            shown, kind, attributes = _NAMES.get(name, (name, "internal", {}))
            span.stage(shown, begun_ns, ended_ns, kind, attributes)
        span.end()
