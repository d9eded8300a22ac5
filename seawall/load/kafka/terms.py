"""What the user classes of a run ask of their one producer and one consumer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seawall.load.kafka.brokers import SCHEME, connection_to
from seawall.load.kafka.errors import KafkaUnusable

if TYPE_CHECKING:
    from seawall.load.kafka.users import KafkaUser

ACKS = ("all", "1")
COMPRESSIONS = ("none", "gzip", "snappy", "lz4", "zstd")


@dataclass(frozen=True)
class Terms:
    """The producer's settings in full, and whose records the consumer looks for."""

    producer: dict[str, Any]
    connection: dict[str, Any]
    topics: tuple[str, ...]
    followed: tuple[str, ...]
    """Topics whose records a consumer looks for."""

    @property
    def url(self) -> str:
        """The brokers, as Locust's host."""
        return SCHEME + str(self.connection["bootstrap.servers"])


def terms_of(classes: Iterable[type[KafkaUser]], host: str | None, entity: str) -> Terms:
    """Return what all *classes* ask for; raises `KafkaUnusable` with all that is wrong, or cannot be had together.

    *host* counts where it begins with ``kafka://``, and the class names no brokers. *entity* is that of the run.
    """
    classes = list(classes)
    wrong = [f"{one.__name__}.{flaw}" for one in classes for flaw in _flaws(one, entity)]
    if wrong:
        raise KafkaUnusable("; ".join(wrong))
    given = host.removeprefix(SCHEME) if host is not None and host.startswith(SCHEME) else ""
    first, *others = classes
    producer = _producer_of(first, given)
    for other in others:
        theirs = _producer_of(other, given)
        unlike = sorted(name for name in producer.keys() | theirs.keys() if producer.get(name) != theirs.get(name))
        if unlike:
            raise KafkaUnusable(
                f"{first.__name__} and {other.__name__} cannot run together, as a process has one producer and they"
                f" differ in {', '.join(unlike)}: name one of them on the command line"
            )
    topics: dict[str, None] = {}
    followed: dict[str, None] = {}
    for one in classes:
        topics |= dict.fromkeys(one.topics_of(entity))
        followed |= dict.fromkeys(one.topics_of(entity) if one.follow else ())
    connection = connection_to(first.bootstrap_servers or given, first.connection)
    return Terms(producer, connection, tuple(topics), tuple(followed))


def _flaws(user: type[KafkaUser], entity: str) -> Iterable[str]:
    if not all(user.topics_of(entity)):
        yield "topic: name the topic that it writes to"
    if str(user.acks) not in ACKS:
        yield f"acks: {user.acks!r} is none of {', '.join(ACKS)}; with 0 no broker acknowledges anything"
    elif user.idempotence and str(user.acks) != "all":
        yield 'acks: an idempotent producer needs "all"; set `idempotence = False` for 1'
    if user.compression not in COMPRESSIONS:
        yield f"compression: {user.compression!r} is none of {', '.join(COMPRESSIONS)}"
    if not 0 <= user.linger_ms <= 900_000:  # noqa: PLR2004 - librdkafka's limit
        yield f"linger_ms: {user.linger_ms!r} is not from 0 to 900,000"
    if not 0 < user.ack_timeout <= 3_600 or user.ack_timeout * 1_000 <= user.linger_ms:  # noqa: PLR2004
        yield f"ack_timeout: {user.ack_timeout!r} s must be above linger_ms, and an hour at most"


def _producer_of(user: type[KafkaUser], given: str) -> dict[str, Any]:
    settings = {
        "client.id": "seawall-load",
        "acks": str(user.acks),
        "enable.idempotence": user.idempotence,
        "linger.ms": user.linger_ms,
        "compression.type": user.compression,
        "message.timeout.ms": round(user.ack_timeout * 1_000),
        "queue.buffering.max.messages": user.most_waiting,
        "allow.auto.create.topics": False,
        "reconnect.backoff.max.ms": 1_000,  # the default of ten seconds would outlast most absences of a broker
        "log_level": 0,  # it would write into the middle of Locust's tables; errors come by their callback
        **connection_to(user.bootstrap_servers or given, user.connection),
    }
    if user.idempotence:
        settings["statistics.interval.ms"] = 200  # only these say that the producer has its id
    return settings
