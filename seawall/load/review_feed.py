"""Reviews of several jobs, sent to the log on an absolute schedule, in either shape of message."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from confluent_kafka import KafkaError, Message, Producer, murmur2

from contract.codecs import HEADER, JsonCodec
from contract.entities import Review
from contract.ids import Run, mint
from contract.reviews import LIST, RECORD, REVIEWS, TOPICS, job_of
from contract.samples import sample_fields

_KNOWN_S = 20.0
_ACKED_S = 30.0
_TICK_S = 0.02
_HEADERS: list[tuple[str, str | bytes | None]] = [(HEADER, JsonCodec.name)]


@dataclass(frozen=True)
class ReviewLoad:
    """What is sent: the reviews in the order in which they are due, their jobs in turns."""

    reviews: list[Review]
    rate_per_s: float

    @classmethod
    def drawn(cls, count: int, jobs: int, rate_per_s: float, *, seed: int, run: Run) -> ReviewLoad:
        """Draw *count* reviews of *jobs* jobs; equal seeds and runs give equal ones."""
        rng = random.Random(f"{seed}/jobs")
        ids = [UUID(int=rng.getrandbits(128), version=4) for _ in range(jobs)]
        reviews = []
        for number, fields in enumerate(sample_fields(REVIEWS, seed, count)):
            of_job = {**fields, "job_id": ids[number % jobs], "review_id": number // jobs}
            reviews.append(Review(id=mint(run, number, 0, REVIEWS.number), **of_job))
        return cls(reviews, rate_per_s)

    def jobs(self) -> dict[UUID, list[Review]]:
        """Return the reviews of each job, in their order."""
        found: dict[UUID, list[Review]] = {}
        for review in self.reviews:
            found.setdefault(review.job_id, []).append(review)
        return found


@dataclass
class Sent:
    """What became of it on the way to the log; monotonic time in nanoseconds."""

    begun_ns: int = 0
    due_ns: dict[UUID, int] = field(default_factory=dict)
    acked: set[UUID] = field(default_factory=set)
    latest_ms: float = 0.0
    """By so much the latest message was sent after it was due: the load's own lateness."""


def send(connection: dict[str, Any], load: ReviewLoad, shape: str, on_acked: Callable[[int], None]) -> Sent:
    """Send *load* on its schedule and wait until it is acknowledged; *on_acked* hears how many reviews are.

    A list is sent when the last of its reviews is due, and each review's delay counts from when that review was. All of
    a job lies in one partition, which is chosen by the job's id: that is what keeps its order.

    A thread of its own speaks to Kafka: a Ctrl-C that came into one of its client's calls would be a `SystemError`.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(_send, connection, load, shape, on_acked, stop)
        try:
            return sending.result()
        except BaseException:
            stop.set()
            raise


def _send(
    connection: dict[str, Any], load: ReviewLoad, shape: str, on_acked: Callable[[int], None], stop: threading.Event
) -> Sent:
    producer = Producer({"acks": "all", "enable.idempotence": True, "linger.ms": 2, "log_level": 0, **connection})
    topic = TOPICS[shape]
    partitions = len(producer.list_topics(topic, timeout=_KNOWN_S).topics[topic].partitions)
    codec, jobs, sent = JsonCodec(), load.jobs(), Sent()
    sent.begun_ns = time.monotonic_ns()
    for number, review in enumerate(load.reviews):
        sent.due_ns[review.id] = due_ns = sent.begun_ns + round(number / load.rate_per_s * 1e9)
        while (left_s := (due_ns - time.monotonic_ns()) / 1e9) > 0:
            producer.poll(0)
            if stop.wait(min(left_s, _TICK_S)):
                producer.purge()
                return sent
        job = jobs[review.job_id]
        if shape == LIST and review is not job[-1]:
            continue
        together = job if shape == LIST else [review]
        value = job_of(job) if shape == LIST else codec.encode(REVIEWS, review)
        key = review.job_id.bytes if shape == LIST else str(review.id).encode()

        def note(
            error: KafkaError | None, _: Message, ids: tuple[UUID, ...] = tuple(one.id for one in together)
        ) -> None:
            if error is None:
                sent.acked.update(ids)
                on_acked(len(sent.acked))

        sent.latest_ms = max(sent.latest_ms, (time.monotonic_ns() - due_ns) / 1e6)
        producer.produce(
            topic,
            value,
            key,
            partition=murmur2(review.job_id.bytes, partitions),
            headers=_HEADERS if shape == RECORD else None,
            on_delivery=note,
        )
    producer.flush(_ACKED_S)
    return sent
