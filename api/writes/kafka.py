"""`kafka`: publish, and answer after the broker's ack."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from functools import partial
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from api.problems import Unavailable
from api.settings import Settings
from api.writes.protocol import LOGGED, Logged
from contract.codecs import CODECS
from contract.entities import ENTITIES, Entity, Record
from contract.topics import record_topics, topic_of

log = logging.getLogger(__name__)

_POLL_S = 0.1
# the binding names librdkafka's own codes with an underscore
_NEVER_SENT = (KafkaError._PURGE_QUEUE, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)  # noqa: SLF001

_Ack = tuple["asyncio.Future[Message]", KafkaError | None, Message]


class _Idempotence(msgspec.Struct):
    idemp_state: str = ""


class _Statistics(msgspec.Struct):
    """The part of librdkafka's statistics that is of use here."""

    eos: _Idempotence = msgspec.field(default_factory=_Idempotence)


_statistics = msgspec.json.Decoder(_Statistics)


class KafkaPath:
    """Answers after the acknowledgement of all in-sync replicas.

    One producer a process. A thread polls it and hands the acknowledgements of a burst to the loop with one wake-up:
    one a record would cost more than the record.
    """

    status = LOGGED

    def __init__(self, connection: dict[str, Any], settings: Settings) -> None:
        self._configuration = {
            "client.id": "seawall-api",
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": settings.kafka_linger_ms,
            "compression.type": settings.kafka_compression,
            "message.timeout.ms": settings.kafka_message_timeout_ms,
            "queue.buffering.max.messages": settings.kafka_queue_messages,
            # the statistics are the only place where the producer says that it has its id; see `check`
            "statistics.interval.ms": 200,
            "stats_cb": self._note_statistics,
            "error_cb": _note_error,
            **connection,
        }
        codec = CODECS[settings.codec]()
        self._encode = codec.encode
        self._headers: list[tuple[str, str | bytes | None]] = [("codec", codec.name.encode())]
        self._topics = {name: topic_of(entity) for name, entity in ENTITIES.items()}
        self._flush_s = settings.kafka_message_timeout_ms / 1000
        self._has_producer_id = threading.Event()
        self._closing = False
        self._burst: list[_Ack] = []
        self._producer: Producer
        self._loop: asyncio.AbstractEventLoop
        self._poller: threading.Thread | None = None

    async def start(self) -> None:
        """Create the producer, which connects and asks for its producer id on its own."""
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(self._configuration)
        self._poller = threading.Thread(target=self._poll, name="kafka-acks", daemon=True)
        self._poller.start()

    async def stop(self) -> None:
        """Deliver what is queued, then stop polling."""
        self._closing = True
        if self._poller is not None:
            await asyncio.to_thread(self._poller.join)

    async def check(self) -> None:
        """Return when brokers answer, know every topic, and the producer may write; raises `Unavailable` if not.

        An idempotent producer holds its first record back until the cluster has given it a producer id. It asks for
        one as soon as it is connected, so being ready includes having it, and no record needs to be written to warm up.
        """
        try:
            known = await asyncio.to_thread(self._producer.list_topics, timeout=1.0)
        except KafkaException as error:
            raise Unavailable(f"Kafka does not answer: {error.args[0].str()}") from None
        missing = [name for name in record_topics() if name not in known.topics]
        if missing:
            raise Unavailable(f"topics are missing: {', '.join(missing)}")
        if not self._has_producer_id.is_set():
            raise Unavailable("the producer has no id yet")

    async def write(self, entity: Entity, record: Record) -> Logged:
        """Publish *record* under its id and wait for the ack."""
        acked: asyncio.Future[Message] = self._loop.create_future()
        try:
            self._producer.produce(
                self._topics[entity.name],
                self._encode(entity, record),
                str(record.id),
                headers=self._headers,
                on_delivery=partial(self._note_ack, acked),
            )
        except BufferError:
            raise Unavailable("too many records wait for Kafka") from None
        except KafkaException as error:
            raise Unavailable(f"Kafka's producer refuses the record: {error.args[0].str()}") from None
        message = await acked
        return Logged(record.id, message.topic() or "", message.partition() or 0, message.offset() or 0)

    def _poll(self) -> None:
        while not self._closing:
            try:
                self._producer.poll(_POLL_S)
            except Exception:
                # poll() raises what a callback raised; without this thread no request would be answered again
                log.exception("a callback of the producer failed")
            self._hand_over()
        left = self._producer.flush(self._flush_s)
        self._hand_over()
        if left:
            log.error("%d records were not delivered before the end", left)

    def _hand_over(self) -> None:
        if self._burst:
            burst, self._burst = self._burst, []
            # a closed loop has nobody left who waits
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(_resolve, burst)

    # the callbacks below run in the polling thread, inside poll() or flush()

    def _note_ack(self, acked: asyncio.Future[Message], error: KafkaError | None, message: Message) -> None:
        self._burst.append((acked, error, message))

    def _note_statistics(self, text: str) -> None:
        if not self._has_producer_id.is_set() and _statistics.decode(text).eos.idemp_state == "Assigned":
            self._has_producer_id.set()


def _resolve(burst: list[_Ack]) -> None:
    for acked, error, message in burst:
        if acked.done():  # its client has gone
            continue
        if error is None:
            acked.set_result(message)
        else:
            unknown = error.code() not in _NEVER_SENT
            acked.set_exception(
                Unavailable(f"Kafka did not acknowledge the record: {error.str()}", outcome_unknown=unknown)
            )


def _note_error(error: KafkaError) -> None:
    log.warning("kafka: %s", error.str())
