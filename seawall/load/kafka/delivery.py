"""One record on its way to the brokers, and what became of it."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, Message
from gevent import getcurrent
from gevent.hub import get_hub

from seawall.load.statuses import DENIED

if TYPE_CHECKING:
    from seawall.load.kafka.users import KafkaUser

METHOD = "KAFKA"
ACKED, UNKNOWN = 202, 0
_TOO_LARGE, _FORBIDDEN, _NOWHERE, _UNUSABLE, _NO_ROOM = 413, 403, 404, 400, 503 + DENIED
# librdkafka's own codes have an underscore in the binding
_REFUSALS = {
    KafkaError.MSG_SIZE_TOO_LARGE: _TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE: _TOO_LARGE,
    KafkaError.INVALID_MSG_SIZE: _TOO_LARGE,
    KafkaError.TOPIC_AUTHORIZATION_FAILED: _FORBIDDEN,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: _FORBIDDEN,
    KafkaError.UNKNOWN_TOPIC_OR_PART: _NOWHERE,
    KafkaError._UNKNOWN_TOPIC: _NOWHERE,  # noqa: SLF001
    KafkaError._UNKNOWN_PARTITION: _NOWHERE,  # noqa: SLF001
    KafkaError.TOPIC_EXCEPTION: _NOWHERE,
    KafkaError.INVALID_RECORD: _UNUSABLE,
    KafkaError.INVALID_TIMESTAMP: _UNUSABLE,
    KafkaError.UNSUPPORTED_COMPRESSION_TYPE: _UNUSABLE,
    KafkaError.POLICY_VIOLATION: _UNUSABLE,
    KafkaError._INVALID_ARG: _UNUSABLE,  # noqa: SLF001
    KafkaError._QUEUE_FULL: _NO_ROOM,  # noqa: SLF001
    KafkaError._FATAL: _NO_ROOM,  # noqa: SLF001
}


class NotAcknowledged(Exception):
    """What Locust is told of a record that no broker has acknowledged."""


class Delivery:
    """What a user learns of its record; the producer's thread calls it with the broker's word."""

    __slots__ = (
        "_acks", "_error", "acked_ns", "context", "entity", "intended_ns", "name", "sent_ns", "sequence", "size",
        "status", "token", "topic", "user", "waiter",
    )  # fmt: skip

    def __init__(self, user: KafkaUser, topic: str, name: str, size: int, intended_ns: int) -> None:
        self.user, self.topic, self.name, self.size = user, topic, name, size
        self.sequence, self.entity = user.sequence, user.entity
        self.intended_ns = intended_ns
        """When it was due, monotonic; 0 where no schedule said so."""
        self.sent_ns = self.acked_ns = 0
        self.status: int | None = None
        """None while it is under way; then as in a ledger: 202, 0 where nobody knows, else why it was refused."""
        self.token = -1
        """By what a consumer recognises it; below 0 where none looks for it."""
        self.context: dict[str, Any] = {}
        self.waiter: Any = None
        """The greenlet that waits for the broker's word."""
        self._error: KafkaError | str | None = None
        self._acks: deque[Delivery]

    def send_to(self, acks: deque[Delivery]) -> None:
        """Have the broker's word put here once it comes."""
        self._acks = acks

    def __call__(self, error: KafkaError | None, _: Message) -> None:
        """Note the broker's word and when it came; runs in the producer's thread, so it touches nothing of gevent's."""
        self.acked_ns = time.monotonic_ns()
        self._error = error
        self._acks.append(self)

    def conclude(self) -> int:
        """Return the status that the broker's word comes to."""
        error = self._error
        self.status = ACKED if error is None else status_of(error)
        return self.status

    def refuse(self, error: KafkaError) -> None:
        """Take the producer's own word that it will not send this."""
        self.acked_ns = time.monotonic_ns()
        self._error = error

    def give_up(self) -> None:
        """Take note that no word came before the end: nobody knows what became of it."""
        self.acked_ns = time.monotonic_ns()
        self._error = "no acknowledgement came before the end of the run"

    @property
    def ok(self) -> bool:
        """Whether a broker has acknowledged it."""
        return self.status == ACKED

    @property
    def error(self) -> str:
        """Why not, in words; empty where it was acknowledged or is still under way."""
        return "" if self._error is None else str(self._error)

    @property
    def ack_ms(self) -> float:
        """From the intended time, where there is one, to the broker's word, ms."""
        return (self.acked_ns - (self.intended_ns or self.sent_ns)) / 1e6

    def wait(self) -> None:
        """Return once the broker's word is there."""
        if self.status is not None:
            return
        self.waiter = getcurrent()
        try:
            get_hub().switch()
        finally:
            self.waiter = None

    def event(self) -> dict[str, Any]:
        """Return what Locust's request event is told."""
        return {
            "request_type": METHOD,
            "name": self.name,
            "response_time": self.ack_ms,
            "response_length": self.size,
            "response": self,
            "context": self.context,
            "exception": None if self.ok else NotAcknowledged(self.error),
            "start_time": time.time() - (time.monotonic_ns() - self.sent_ns) / 1e9,
            "url": self.topic,
        }


def status_of(error: KafkaError | str) -> int:
    """Return the status of a record that was not acknowledged: why it was refused, or 0.

    An error in place of an ack does not say that the record is not there: of one that timed out, or whose connection
    broke, nobody knows. Only what was never sent, or what a broker does not take, is a refusal.
    """
    return UNKNOWN if isinstance(error, str) else _REFUSALS.get(error.code(), UNKNOWN)
