"""The loop of the reviews' worker, and the only code here that touches its consumer.

One thread reads and closes batches, some ask the model, one writes. Order of events: a batch is judged, dead letters
are acknowledged, rows are written, offsets are committed behind what is written. A process that dies in between reads
the same reviews again, and asks about those without a result.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from contract.connections import Connections
from contract.entities import Review
from contract.errors import InvalidRecord, RegistryUnavailable
from contract.registry import Registry
from contract.reviews import LIST, REVIEWS, TOPICS, reviews_in
from workers.progress_lines import say
from workers.reviews.asking import Asking
from workers.reviews.batching import Batch, Batcher, Item, by_arrival, by_job
from workers.reviews.breaker import Breaker
from workers.reviews.errors import WorkerFailed
from workers.reviews.flight import Finished, Flight
from workers.reviews.judging import Judging, Patience
from workers.reviews.letters import Letter, Letters
from workers.reviews.model import ModelClient
from workers.reviews.results import Results
from workers.reviews.settings import Settings
from workers.reviews.writing import Writing
from workers.sink.batches import Decoder, place_of

log = logging.getLogger(__name__)
_POLL_S = 0.1
_AT_ONCE = 500
_AGAIN_S = 0.5


class ReviewsWorker:
    """Has reviews judged until it is told to stop."""

    def __init__(self, connections: Connections, settings: Settings, registry: Registry | None = None) -> None:
        self._settings = settings
        self._topic = TOPICS[settings.reviews_shape]
        self._decoder = Decoder({}, registry)
        by = by_job if settings.reviews_mode == "job" else by_arrival
        self._batcher = Batcher(settings.size, settings.reviews_batch_wait_s, by)
        self._flight = Flight()
        self._stopping = False
        stop = threading.Event()
        self._given_up = stop
        client = ModelClient(
            settings.reviews_model_url,
            settings.reviews_model_name,
            key=settings.reviews_model_key.get_secret_value(),
            timeout_s=settings.reviews_timeout_s,
        )
        patience = Patience(settings.reviews_attempts, settings.reviews_backoff_s, settings.reviews_backoff_most_s)
        breaker = Breaker(settings.reviews_breaker_failures, settings.reviews_breaker_s)
        judging = Judging(client, breaker, patience, stop)
        threads = settings.reviews_in_flight
        results = Results(connections, client.name, threads=threads, stop=stop)
        finished: queue.SimpleQueue[Finished | None] = queue.SimpleQueue()
        self._finished = finished
        self._asking = Asking(judging, results, threads, finished)
        self._writing = Writing(finished, self._flight, results, Letters(connections.kafka), judging, stop)
        self._held: deque[Message] = deque()
        """Read, and waiting for a schema."""
        self._held_until_s = 0.0
        self._assigned: set[tuple[str, int]] = set()
        self._committed: dict[tuple[str, int], int] = {}
        self._paused = False
        self._configuration: dict[str, Any] = {
            "client.id": settings.reviews_group,
            "group.id": settings.reviews_group,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 500,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 40,
            "queued.max.messages.kbytes": 4_096,
            "fetch.queue.backoff.ms": 10,
            "socket.timeout.ms": 5_000,
            "reconnect.backoff.max.ms": 1_000,
            "error_cb": lambda error: log.warning("kafka: %s", error.str()),
            **connections.kafka,
        }

    def stop(self) -> None:
        """Ask the loop to end; callable from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Work until `stop`; raises `WorkerFailed` where only a new process can go on."""
        self._asking.start()
        self._writing.start()
        consumer = Consumer(self._configuration)
        try:
            consumer.subscribe(
                [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
            )
            while not self._stopping:
                self._read(consumer)
                self._hand_over(self._batcher.due(time.monotonic_ns()))
                self._commit(consumer, asynchronous=True)
                self._pause_or_resume(consumer)
                if self._asking.is_broken or not self._writing.is_alive():
                    raise WorkerFailed("a thread has ended, as the log says above")
        finally:
            self._end(consumer)

    def _end(self, consumer: Consumer) -> None:
        """Wait a while for calls under way, write what they brought, and commit; the rest is read again by others."""
        self._asking.end(self._settings.reviews_farewell_s, self._given_up)
        self._finished.put(None)
        self._writing.join()
        self._commit(consumer, asynchronous=False)
        consumer.close()
        self._asking.close()

    def _read(self, consumer: Consumer) -> None:
        """Take what has come; returns with the first record, and at the next deadline at the latest."""
        wait_s = _POLL_S
        if (due_ns := self._batcher.next_due_ns()) is not None:
            wait_s = min(wait_s, max(0.0, (due_ns - time.monotonic_ns()) / 1e9))
        first = consumer.poll(wait_s)
        if first is not None:
            self._held.append(first)
            # what has come with it; the client would wait for as many as it is asked for
            self._held.extend(consumer.consume(_AT_ONCE, 0))
        while self._held and time.monotonic() >= self._held_until_s:
            try:
                self._take(self._held[0])
            except RegistryUnavailable as error:
                log.warning("%s; again in %.1f s", error, _AGAIN_S)
                self._held_until_s = time.monotonic() + _AGAIN_S
                return
            self._held.popleft()

    def _take(self, message: Message) -> None:
        """Sort one message into a batch; raises `RegistryUnavailable`, and `WorkerFailed` for what no process heals."""
        error = message.error()
        if error is not None:
            if error.fatal():
                raise WorkerFailed(error.str())
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the binding's name for it
                log.warning("kafka: %s", error.str())
            return
        place = place_of(message)
        if (place.topic, place.partition) not in self._assigned:
            return
        now_ns = time.monotonic_ns()
        try:
            reviews = self._reviews(message)
        except InvalidRecord as refused:
            self._flight.read(place, 1)
            batch = Batch(now_ns, [], "", now_ns, now_ns)
            self._flight.closed(batch)
            headers: Any = message.headers() or ()
            letter = Letter(place, message.key(), message.value(), str(refused), "", headers)
            self._finished.put(Finished(batch, letters=[letter]))
            return
        self._flight.read(place, len(reviews))
        items = [Item(review, place) for review in reviews]
        if self._settings.reviews_mode == "job" and self._settings.reviews_shape == LIST:
            self._hand_over(self._batcher.add_job(items, now_ns))
            return
        for item in items:
            self._hand_over(self._batcher.add(item, now_ns))

    def _reviews(self, message: Message) -> list[Review]:
        if self._settings.reviews_shape == LIST:
            return reviews_in(message.value() or b"")
        record = self._decoder.decode(REVIEWS, message)
        assert isinstance(record, Review)
        return [record]

    def _hand_over(self, batches: list[Batch]) -> None:
        for batch in batches:
            self._flight.closed(batch)
            self._asking.put(batch)

    def _commit(self, consumer: Consumer, *, asynchronous: bool) -> None:
        news = {
            place: end
            for place, end in self._flight.committable().items()
            if place in self._assigned and self._committed.get(place) != end
        }
        if not news:
            return
        offsets = [TopicPartition(*place, end) for place, end in news.items()]
        try:
            if asynchronous:
                consumer.commit(offsets=offsets, asynchronous=True)
            else:
                consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            log.warning("offsets not committed: %s", error.args[0].str())
        else:
            self._committed |= news

    def _pause_or_resume(self, consumer: Consumer) -> None:
        """Read no more while too much waits for the model or the database; members of the group stay members."""
        unwritten, most = self._flight.unwritten(), self._settings.most_unwritten
        if not self._paused and unwritten >= most:
            consumer.pause(consumer.assignment())
            self._paused = True
        elif self._paused and unwritten <= most // 2:
            consumer.resume(consumer.assignment())
            self._paused = False

    # Kafka calls the two below from within poll(), consume() and close().

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign(partitions)
        if self._paused:
            consumer.pause(partitions)
        self._assigned.update((place.topic, place.partition) for place in partitions)
        say({"assigned": sorted(place.partition for place in partitions)})

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        """Drop what is not asked about yet; what is under way is written, by whomever first."""
        gone = [(place.topic, place.partition) for place in partitions]
        self._assigned.difference_update(gone)
        self._batcher.forget(gone)
        self._flight.forget(gone)
        for place in gone:
            self._committed.pop(place, None)
