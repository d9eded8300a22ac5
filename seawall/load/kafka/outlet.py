"""What all Kafka users of a process send by: one producer, one consumer, and the record of what they did."""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
from confluent_kafka import KafkaError, KafkaException

from seawall.load.counts import Counts
from seawall.load.kafka.ack_thread import AckThread
from seawall.load.kafka.asking import in_a_thread
from seawall.load.kafka.delivery import ACKED, METHOD, UNKNOWN, Delivery
from seawall.load.kafka.errors import KafkaUnusable
from seawall.load.kafka.sightings import Sightings
from seawall.load.kafka.terms import Terms
from seawall.load.kafka.watch import HEADER, MARK, Watch
from seawall.load.part_facts import SEEN
from seawall.load.recorder import NullRecorder
from seawall.load.run import LoadRun

SEEN_METHOD = "E2E"
READY_WITHIN_S = 20.0
FLUSH_S = 3.0
"""So long acks are awaited once no user sends any more; what is not acknowledged then is unknown."""
SIGHT_S = 2.0
"""So long sightings are awaited after that."""
REPEAT_S = 5.0
"""The same trouble is said once in so long."""
MOST_AT_ONCE = 16
"""After so many records that nobody waits for, acks are heard."""

logger = logging.getLogger(__name__)
Headers = list[tuple[str, str | bytes | None]]


class Outlet:
    """Opened before a run's first user starts, and closed after the last has stopped; belongs to gevent's thread."""

    def __init__(self, terms: Terms, load: LoadRun, counts: Counts) -> None:
        """Return once the producer may write and the consumer reads all partitions; raises `KafkaUnusable`."""
        self.topics = frozenset(terms.topics)
        self.waits_always = load.tickets is not None or load.arrival == "closed"
        """Whether a user has to wait for its acks: in a closed loop nothing else slows it down."""
        self._record = load.recorder.add
        self._see_record = load.recorder.beside(SEEN).add if terms.followed else NullRecorder().add
        self._counts = counts
        self._pending: set[Delivery] = set()
        self._followed: dict[int, Delivery] = {}
        self._follows = frozenset(terms.followed)
        self._numbers = itertools.count()
        self._tag = secrets.token_bytes(8)
        self._said: dict[str, float] = {}
        self._unwaited = 0
        self.unseen = 0
        """Acknowledged records that the consumer had not seen when the time was up."""
        self._sightings: Sightings | None = None
        try:
            self._thread = AckThread(terms.producer, self._take, self._hear)
        except KafkaException as error:
            raise KafkaUnusable(f"no producer can be made: {error.args[0].str()}") from None
        try:
            if terms.followed:
                watch = Watch(
                    connection=terms.connection, topics=list(terms.followed), run=load.run, worker=load.worker_index,
                    tag=self._tag,
                )  # fmt: skip
                self._sightings = Sightings(watch, self._see, self._stop_following)
            self._await_producer(idempotent=terms.producer["enable.idempotence"])
            if self._sightings is not None:
                self._sightings.begin()
        except BaseException:
            if self._sightings is not None:
                self._sightings.close()
            self._thread.stop()
            raise

    def mark(self, delivery: Delivery, headers: Headers) -> Headers:
        """Return *headers* with what a consumer recognises the record by, where one looks for it."""
        if delivery.topic not in self._follows:
            return headers
        delivery.token = next(self._numbers)
        return [*headers, (HEADER, MARK.pack(self._tag, delivery.token))]

    def send(self, delivery: Delivery, value: bytes | None, key: bytes | None, headers: Headers) -> None:
        """Hand one record to the producer, which never blocks; what it refuses is settled at once."""
        thread = self._thread
        delivery.send_to(thread.acks)
        if delivery.topic not in self._follows:
            delivery.token = -1
        delivery.sent_ns = time.monotonic_ns()
        try:
            thread.produce(delivery.topic, value, key, headers=headers, on_delivery=delivery)
        except (BufferError, KafkaException) as error:
            full = isinstance(error, BufferError)
            delivery.refuse(KafkaError(KafkaError._QUEUE_FULL) if full else error.args[0])  # noqa: SLF001
            self._settle(delivery)
            return
        self._pending.add(delivery)
        if delivery.token >= 0:
            self._followed[delivery.token] = delivery

    def breathe(self) -> None:
        """Let others in now and then, where a user that is late sends one record after the other."""
        self._unwaited += 1
        if self._unwaited % MOST_AT_ONCE == 0:
            gevent.sleep(0)

    def close(self) -> None:
        """Wait for acks and sightings, but not long; what is not acknowledged is unknown. Ends thread and process."""
        _wait(lambda: not self._pending, FLUSH_S)
        pending, self._pending = self._pending, set()
        for delivery in pending:
            delivery.give_up()
            self._settle(delivery)
        if self._sightings is not None:
            _wait(lambda: not any(one.ok for one in self._followed.values()), SIGHT_S)
            self._sightings.close()
        self._thread.stop()
        unseen = [delivery for delivery in self._followed.values() if delivery.ok]
        now_ns = time.monotonic_ns()
        for delivery in unseen:
            self._note_sighting(delivery, now_ns, UNKNOWN)
        self.unseen = len(unseen)
        self._followed.clear()
        if pending:
            logger.warning("%d records were not acknowledged before the end: their outcome is unknown", len(pending))
        if unseen:
            logger.warning("%d acknowledged records were not seen by a consumer before the end", len(unseen))

    def _await_producer(self, *, idempotent: bool) -> None:
        """Return once brokers answer, and an idempotent producer has its id: it holds the first records back for it."""
        due_s = time.monotonic() + READY_WITHIN_S
        try:
            known = in_a_thread(partial(self._thread.list_topics, timeout=READY_WITHIN_S)).topics
        except KafkaException as error:
            raise KafkaUnusable(f"no broker answers: {error.args[0].str()}") from None
        if missing := sorted(self.topics - known.keys()):
            raise KafkaUnusable(f"topics are not there: {', '.join(missing)}")
        while idempotent and not self._thread.has_producer_id:
            if time.monotonic() > due_s:
                raise KafkaUnusable("the brokers gave the producer no id; `idempotence = False` needs none")
            gevent.sleep(0.01)

    def _take(self, delivery: Delivery) -> None:
        """Settle a record of which a broker, or the producer, has had its word."""
        if delivery in self._pending:
            self._pending.discard(delivery)
            self._settle(delivery)

    def _settle(self, delivery: Delivery) -> None:
        """Record and count it, then let its user go on."""
        status = delivery.conclude()
        times_ns = (delivery.intended_ns or delivery.sent_ns, delivery.sent_ns, delivery.acked_ns)
        name = delivery.name
        self._record(delivery.user.number, delivery.sequence, delivery.entity, f"{METHOD} {name}", times_ns, status)
        if status == ACKED and self._counts.nobody_else_listens():
            self._counts.keep(METHOD, name, delivery.ack_ms, delivery.size)
        else:
            self._counts.fire(**delivery.event())
        if status not in (ACKED, UNKNOWN):  # what nobody has will not be seen
            self._followed.pop(delivery.token, None)
        if delivery.waiter is not None:
            delivery.waiter.switch()

    def _see(self, token: int, seen_ns: int) -> None:
        delivery = self._followed.pop(token, None)
        if delivery is not None:
            self._note_sighting(delivery, seen_ns, 200)

    def _note_sighting(self, delivery: Delivery, seen_ns: int, status: int) -> None:
        """Record when a consumer had the record; Locust shows it in a row that its totals leave out."""
        intended_ns = delivery.intended_ns or delivery.sent_ns
        times_ns = (intended_ns, delivery.sent_ns, seen_ns)
        name = delivery.name
        self._see_record(
            delivery.user.number, delivery.sequence, delivery.entity, f"{SEEN_METHOD} {name}", times_ns, status
        )
        if status == UNKNOWN:
            return
        delay_ms = (seen_ns - intended_ns) / 1e6
        self._counts.keep(SEEN_METHOD, name, delay_ms, delivery.size, in_total=False)
        if not self._counts.nobody_else_listens():
            self._counts.tell_others(**_sighted(delivery, delay_ms))

    def _stop_following(self) -> None:
        logger.error("the consumer that watches for records has died: end-to-end delays are not measured any more")
        self._follows = frozenset()
        self._followed.clear()

    def _hear(self, trouble: str) -> None:
        """Say what went wrong, unless it was said a moment ago."""
        now_s, kind = time.monotonic(), trouble.partition(":")[0]
        if now_s - self._said.get(kind, -REPEAT_S) >= REPEAT_S:
            self._said[kind] = now_s
            logger.warning("kafka: %s", trouble)


def _sighted(delivery: Delivery, delay_ms: float) -> dict[str, Any]:
    return {
        **delivery.event(),
        "request_type": SEEN_METHOD,
        "response_time": delay_ms,
        "exception": None,
    }


def _wait(until: Callable[[], bool], longest_s: float) -> None:
    due_s = time.monotonic() + longest_s
    while not until() and time.monotonic() < due_s:
        gevent.sleep(0.02)
