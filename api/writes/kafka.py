"""`kafka`: publish, and answer after the broker's ack."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin._metadata import ClusterMetadata

from api.admission import Queue
from api.answers import ready
from api.problems import Unavailable
from api.settings import Settings
from api.writes.counts import PathCounts
from api.writes.partitioners import PARTITIONERS
from api.writes.protocol import LOGGED, Logged, Settle, Stored, settled
from contract.client_properties import refuse_bad_properties
from contract.codecs import CODECS, REGISTERED
from contract.codecs import HEADER as VALUE_HEADER
from contract.entities import ENTITIES, Entity, Record
from contract.errors import BadConnection, RegistryError
from contract.keys import HEADER as KEY_HEADER
from contract.keys import KEY_CODECS, StringKey
from contract.logs import about
from contract.registry import NoRegistry, Registry
from contract.spans import current, of_place, of_topic
from contract.topics import record_topics, topic_of

log = logging.getLogger(__name__)

_POLL_S, IDLE_POLL_S = 0.002, 0.1
"""How often acks are fetched while records wait for them, and how often the producer may speak while none do."""
_CROWD = 20
"""With so many records under way the event loop turns once a tick, and takes what came meanwhile together."""
_TICK_S = 0.001
_SAY_EVERY_S = 1.0
_TIMED_ONE_IN = 7
"""Of so many records one's wait for its ack is taken into the metrics. Records share requests to the broker, and so
most of that wait; to take each one's was a good part of what counting costs this path."""
# the binding names librdkafka's own codes with an underscore
_NEVER_SENT = (KafkaError._PURGE_QUEUE, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)  # noqa: SLF001
_PREPARE_AGAIN_S = 1.0


class _Idempotence(msgspec.Struct):
    idemp_state: str = ""


class _Statistics(msgspec.Struct):
    """The part of librdkafka's statistics that is of use here."""

    eos: _Idempotence = msgspec.field(default_factory=_Idempotence)


_statistics = msgspec.json.Decoder(_Statistics)
_CROWDED = "Kafka does not acknowledge records in time"


class KafkaPath:
    """Answers after the acknowledgement of all in-sync replicas.

    One producer a process, polled by the event loop itself while records are under way: a thread that waits for acks
    would take the interpreter's lock from the loop for each burst, and have to wake it for each.
    """

    status = LOGGED
    crowded = ready(Unavailable(_CROWDED).answer())

    def __init__(self, connection: dict[str, Any], settings: Settings, registry: Registry | None = None) -> None:
        """*registry* holds the schemas of serializers that have some; raises `BadConnection`."""
        self._configuration = {
            "client.id": "seawall-api",
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": settings.kafka_linger_ms,
            "compression.type": settings.kafka_compression,
            "message.timeout.ms": settings.kafka_message_timeout_ms,
            "queue.buffering.max.messages": settings.kafka_queue_messages,
            "reconnect.backoff.max.ms": 1_000,  # the default of ten seconds would outlast most absences of a broker
            # the statistics are the only place where the producer says that it has its id; see `check`
            "statistics.interval.ms": 200,
            "stats_cb": self._note_statistics,
            "error_cb": _note_error,
            **settings.kafka_producer_properties,
            **connection,
        }
        refuse_bad_properties(
            Producer, self._configuration, settings.kafka_producer_properties, "SEAWALL_KAFKA_PRODUCER_PROPERTIES"
        )
        registry = registry or NoRegistry()
        self._codec = CODECS[settings.value_serializer](registry)
        self._key_codec = KEY_CODECS[settings.key_serializer](registry)
        self._encode, self._encode_key = self._codec.encode, self._key_codec.encode
        self._headers: list[tuple[str, str | bytes | None]] = [(VALUE_HEADER, self._codec.name.encode())]
        if self._key_codec.name != StringKey.name:
            self._headers.append((KEY_HEADER, self._key_codec.name.encode()))
        self._choose = PARTITIONERS[settings.partition_by](settings.kafka_linger_ms / 1000).choose
        self._partitions: dict[str, int] = {}
        """How many each topic has; looked up where partitions are chosen here."""
        self._unprepared = "" if settings.partition_by == "key" else "the topics' partitions are not known yet"
        """Why nothing can be written yet, for want of schemas or of partitions; empty once all is known."""
        if not {self._codec.name, self._key_codec.name}.isdisjoint(REGISTERED):
            if isinstance(registry, NoRegistry):
                raise BadConnection(
                    f"SEAWALL_VALUE_SERIALIZER={self._codec.name}, SEAWALL_KEY_SERIALIZER={self._key_codec.name}: set"
                    " SEAWALL_REGISTRY_URL to a schema registry, or start one with `bin/seawall up --registry`"
                )
            self._unprepared = "the schemas are not registered yet"
        self._preparing: asyncio.Task[None] | None = None
        self._topics = {name: topic_of(entity) for name, entity in ENTITIES.items()}
        self._flush_s = settings.kafka_message_timeout_ms / 1000
        self.counts = PathCounts("ack") if settings.metrics_port is not None else PathCounts()
        self._unacked = Queue(
            settings,
            longest_s=settings.kafka_longest_ack_ms / 1000,
            waits=self.counts.stages.get("ack"),
            one_in=_TIMED_ONE_IN,
        )
        self._has_producer_id = False
        self.statistics = ""
        """What the producer said of itself last, as JSON; librdkafka's STATISTICS.md knows the fields."""
        self._producer: Producer | None = None
        self._loop: asyncio.AbstractEventLoop
        self._next_poll: asyncio.Handle
        self._idle = True
        self._tick_ends_s = 0.0
        self._stopping = False
        self._given_up = 0
        self._failed, self._said_s = 0, 0.0
        """Records that were not acknowledged since that was said last, and when."""

    @property
    def configuration(self) -> Mapping[str, Any]:
        """What the producer is made with, by librdkafka's names; secrets of the connection among it."""
        return self._configuration

    @property
    def waiting(self) -> int:
        """How many records wait for their ack."""
        return len(self._unacked)

    @property
    def refused(self) -> int:
        """How many were refused since others had waited too long for their ack."""
        return self._unacked.refused

    async def start(self) -> None:
        """Create the producer, which connects and asks for its producer id on its own."""
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(self._configuration)
        self._next_poll = self._loop.call_later(IDLE_POLL_S, self._poll)
        if self._unprepared:
            self._preparing = asyncio.create_task(self._prepare())

    async def stop(self) -> int:
        """Deliver what is queued, then stop polling; return how many records no broker has acknowledged."""
        if self._producer is None:
            return 0
        self._stopping = True
        if self._preparing is not None:
            self._preparing.cancel()
        deadline_s = self._loop.time() + self._flush_s
        while (left := len(self._producer)) and self._loop.time() < deadline_s:  # noqa: ASYNC110 - only polling makes it less
            await asyncio.sleep(_POLL_S)
        self._next_poll.cancel()
        self._given_up += left
        if self._given_up:
            log.error("%d records were not acknowledged by Kafka before the end", self._given_up)
        return self._given_up

    async def check(self) -> None:
        """Return when brokers answer, know every topic, and the producer may write; raises `Unavailable` if not.

        An idempotent producer holds its first record back until the cluster has given it a producer id. It asks for
        one as soon as it is connected, so being ready includes having it, and no record needs to be written to warm up.
        """
        assert self._producer is not None
        try:
            known = await asyncio.to_thread(self._producer.list_topics, timeout=1.0)
        except KafkaException as error:
            raise Unavailable(f"Kafka does not answer: {error.args[0].str()}") from None
        missing = [name for name in record_topics() if name not in known.topics]
        if missing:
            raise Unavailable(f"topics are missing: {', '.join(missing)}")
        if not self._has_producer_id:
            raise Unavailable("the producer has no id yet")
        self._note_partitions(known)
        if self._unprepared:
            raise Unavailable(self._unprepared)

    def refuses(self) -> bool:
        """Tell whether who comes now is refused, since the first of those who wait for an ack has waited too long."""
        return self._unacked.refuses()

    async def write(self, entity: Entity, record: Record) -> Stored | Logged:
        """Publish *record* under its id and wait for the ack."""
        if self.refuses():
            raise Unavailable(_CROWDED)
        topic = self._topics[entity.name]
        with current().part(f"publish {topic}", "producer", of_topic(topic)) as span:
            written = await settled(partial(self.submit, entity, record, headers=span.headers))
            if span.context and isinstance(written, Logged):
                span.note(of_place(written.partition, written.offset))
            return written

    def submit(self, entity: Entity, record: Record, settle: Settle, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Publish *record* under its id, with further *headers*; *settle* hears of the ack."""
        if self._unprepared:
            raise Unavailable(self._unprepared)
        topic, identity = self._topics[entity.name], record.id
        ticket = self._unacked.join()

        def acked(error: KafkaError | None, message: Message) -> None:
            self._unacked.leave(ticket)
            if error is None:
                settle(Logged(identity, topic, message.partition() or 0, message.offset() or 0))
            else:
                self._given_up += self._stopping
                self._say_failed(error, identity)
                unknown = error.code() not in _NEVER_SENT
                settle(Unavailable(f"Kafka did not acknowledge the record: {error.str()}", outcome_unknown=unknown))

        try:
            self._publish(entity, record, headers, acked)
        except Exception:
            self._unacked.leave(ticket)
            raise
        if self._idle:
            self._idle = False
            self._next_poll.cancel()
            self._next_poll = self._loop.call_later(_POLL_S, self._poll)

    def _publish(
        self,
        entity: Entity,
        record: Record,
        headers: Sequence[tuple[str, bytes]],
        delivered: Callable[[KafkaError | None, Message], None],
    ) -> None:
        """Hand *record* to the producer; raises `Unavailable` where it does not take it."""
        topic, identity = self._topics[entity.name], record.id
        assert self._producer is not None
        try:
            self._producer.produce(
                topic,
                self._encode(entity, record),
                self._encode_key(entity, identity),
                self._choose(identity, topic, self._partitions.get(topic, 1)),
                headers=[*self._headers, *headers] if headers else self._headers,
                on_delivery=delivered,
            )
        except BufferError:
            raise Unavailable("too many records wait for Kafka") from None
        except KafkaException as error:
            raise Unavailable(f"Kafka's producer refuses the record: {error.args[0].str()}") from None

    def _say_failed(self, error: KafkaError, identity: UUID) -> None:
        """Log that a record was not acknowledged, once a second: when a broker goes there are thousands at once."""
        self._failed += 1
        now_s = time.monotonic()
        if now_s - self._said_s >= _SAY_EVERY_S:
            log.warning("kafka: %d records not acknowledged: %s", self._failed, error.str(), extra=about(identity))
            self._failed, self._said_s = 0, now_s

    async def _prepare(self) -> None:
        """Register the schemas of what will be written, and look up the partitions, until that has succeeded."""
        assert self._producer is not None
        while True:
            try:
                await asyncio.to_thread(self._codec.prepare)
                await asyncio.to_thread(self._key_codec.prepare)
                self._note_partitions(await asyncio.to_thread(self._producer.list_topics, timeout=1.0))
            except (RegistryError, KafkaException) as error:
                reason = error.args[0].str() if isinstance(error, KafkaException) else str(error)
                if self._unprepared != reason:
                    log.warning("nothing can be written to Kafka yet: %s", reason)
                self._unprepared = reason
            else:
                if all(topic in self._partitions for topic in self._topics.values()):
                    self._unprepared = ""
                    return
            await asyncio.sleep(_PREPARE_AGAIN_S)

    def _note_partitions(self, known: ClusterMetadata) -> None:
        self._partitions = {name: len(one.partitions) for name, one in known.topics.items() if one.partitions}

    def _poll(self) -> None:
        """Let the producer call back for what has happened, then come again."""
        assert self._producer is not None
        try:
            self._producer.poll(0)
        except Exception:
            # poll() raises what a callback raised; if it were not called again, no request would be answered any more
            log.exception("a callback of the producer failed")
        under_way = len(self._producer)
        self._idle = not under_way
        if under_way < _CROWD:
            self._next_poll = self._loop.call_later(IDLE_POLL_S if self._idle else _POLL_S, self._poll)
        else:
            self._next_poll = self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        """Let the loop rest until the tick's end, then fetch acks.

        A process that is not saturated is woken for each request, which costs more than the request does.
        """
        left_s = self._tick_ends_s - time.monotonic()
        if left_s > 0:
            time.sleep(left_s)
        self._tick_ends_s = time.monotonic() + _TICK_S
        self._poll()

    def _note_statistics(self, text: str) -> None:
        self.statistics = text
        if not self._has_producer_id:
            self._has_producer_id = _statistics.decode(text).eos.idemp_state == "Assigned"


def _note_error(error: KafkaError) -> None:
    log.warning("kafka: %s", error.str())
