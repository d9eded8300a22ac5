"""What `self.client` of a Kafka user is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from seawall.load.kafka.delivery import Delivery
from seawall.load.kafka.outlet import Outlet

if TYPE_CHECKING:
    from seawall.load.kafka.users import KafkaUser

Headers = Mapping[str, str | bytes | None] | Iterable[tuple[str, str | bytes | None]]


class KafkaClient:
    """Sends one user's records by the producer that all users of the process share."""

    def __init__(self, user: KafkaUser, outlet: Outlet) -> None:
        self.due_ns = 0
        """When the next record is meant to be sent, monotonic; that record takes it. 0: whenever it is sent."""
        self._user, self._outlet = user, outlet

    def connect(self) -> None:
        """Do nothing: the producer was connected before the first user started."""

    def close(self) -> None:
        """Do nothing: others use the producer."""

    def produce(
        self, topic: str, value: Any, key: Any, headers: Headers, *, name: str | None = None, wait: bool = True
    ) -> Delivery:
        """Send one record; see `KafkaUser.produce`."""
        outlet = self._outlet
        if topic not in outlet.topics:
            raise ValueError(f"{topic} is none of the topics that this user class names: {', '.join(outlet.topics)}")
        content, place = as_bytes(value), as_bytes(key)
        delivery = self._delivery(topic, name or topic, len(content or b""))
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        outlet.send(delivery, content, place, outlet.mark(delivery, pairs))
        return self._sent(delivery, wait=wait)

    def produce_record(
        self, topic: str, value: bytes, key: bytes, headers: list[Any], token: int, *, wait: bool = True
    ) -> Delivery:
        """Send one record of ours, whose key is its id, and *token* the lower half of that."""
        delivery = self._delivery(topic, topic, len(value))
        delivery.token = token
        self._outlet.send(delivery, value, key, headers)
        return self._sent(delivery, wait=wait)

    def _delivery(self, topic: str, name: str, size: int) -> Delivery:
        delivery = Delivery(self._user, topic, name, size, self.due_ns)
        self.due_ns = 0
        if self._user.has_context:
            delivery.context = self._user.context()
        return delivery

    def _sent(self, delivery: Delivery, *, wait: bool) -> Delivery:
        if wait or self._outlet.waits_always:
            delivery.wait()
        else:
            self._outlet.breathe()
        return delivery


def as_bytes(value: Any) -> bytes | None:
    """Return *value* as it stands in a record: bytes as they are, text in UTF-8, None as none, all else as JSON."""
    if value is None or isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)
