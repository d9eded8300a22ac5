"""Reviews for a job with state: some come twice, and their own clock is simulated, so that days pass in seconds."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from confluent_kafka import KafkaError, Message, Producer

from contract.codecs import HEADER, JsonCodec
from contract.entities import Review
from contract.ids import Run, mint
from contract.reviews import RECORD, REVIEWS, TOPICS
from contract.samples import sample_fields

_BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
_STEP_LASTS = timedelta(minutes=30)
"""Within a step the reviews' clock goes on by less than any watermark; it jumps where all before was acknowledged."""
_NEAR = 20
_TICK_S = 0.02
_ACKED_S = 60.0
_HEADERS: list[tuple[str, str | bytes | None]] = [(HEADER, JsonCodec.name)]


@dataclass(frozen=True)
class Due:
    """A message and the step of the simulated clock to which it belongs."""

    review: Review
    step: int


@dataclass(frozen=True)
class FeatureLoad:
    """What is sent: to warm up, at a rate, and at once."""

    warmup: list[Due]
    steady: list[Due]
    burst: list[Due]

    @classmethod
    def drawn(
        cls,
        *,
        warmup: int,
        steady: int,
        burst: int,
        jobs: int,
        steps: int,
        simulated_days: float,
        repeats: float,
        seed: int,
        run: Run,
    ) -> FeatureLoad:
        """Draw them; equal seeds and runs give equal ones.

        Of the *steady* ones a share of *repeats* comes a second time, among the next twenty messages or so and before
        the clock jumps. In *steps* jumps *simulated_days* pass.
        """
        rng = random.Random(f"{seed}/features")
        ids = [UUID(int=rng.getrandbits(128), version=4) for _ in range(jobs)]
        jump = timedelta(hours=max(1, round(simulated_days * 24 / steps)))
        reviews = []
        for number, fields in enumerate(sample_fields(REVIEWS, seed, warmup + steady + burst)):
            step, within = _step(number, warmup, steady, burst, steps)
            own = {
                **fields,
                "job_id": ids[number % jobs],
                "review_id": number // jobs,
                "written_at": _BEGIN + step * jump + within * _STEP_LASTS,
            }
            reviews.append(Due(Review(id=mint(run, number, 0, REVIEWS.number), **own), step))
        middle = reviews[warmup : warmup + steady]
        return cls(reviews[:warmup], _with_repeats(middle, repeats, rng), reviews[warmup + steady :])

    def messages(self) -> list[Review]:
        """Return all of them, in the order in which they are sent."""
        return [one.review for one in (*self.warmup, *self.steady, *self.burst)]


def _step(number: int, warmup: int, steady: int, burst: int, steps: int) -> tuple[int, float]:
    """Return the step of the review of this number, and how far in it that is, from 0 to 1."""
    if number < warmup:
        return 0, number / warmup
    if number >= warmup + steady:
        return steps + 1, (number - warmup - steady) / burst
    at = (number - warmup) * steps / steady
    return 1 + int(at), at % 1


def _with_repeats(reviews: Sequence[Due], share: float, rng: random.Random) -> list[Due]:
    found: list[Due] = []
    for due in reviews:
        found.append(due)
        if rng.random() < share:
            near = [one for one in found[-_NEAR:] if one.step == due.step]
            found.append(rng.choice(near))
    return found


@dataclass
class FeatureSent:
    """What became of it; wall-clock time in nanoseconds, as the log's own times are."""

    begun_ns: int = 0
    due_ns: dict[str, int] = field(default_factory=dict)
    """By id, of the first message of each."""
    acked: set[str] = field(default_factory=set)
    messages: int = 0
    latest_ms: float = 0.0
    """By so much the latest message was sent after it was due."""


def send_features(
    connection: dict[str, Any],
    messages: Sequence[Due],
    rate_per_s: float,
    sent: FeatureSent,
    stop: threading.Event,
    on_sent: Callable[[], None] = lambda: None,
) -> None:
    """Send *messages* on a schedule, all at once where the rate is 0, and return when they are acknowledged.

    Where the simulated clock jumps, all before is acknowledged first: no watermark ever makes one of them late.
    """
    producer = Producer({"acks": "all", "enable.idempotence": True, "linger.ms": 2, "log_level": 0, **connection})
    codec = JsonCodec()

    def note(error: KafkaError | None, message: Message) -> None:
        key = message.key()
        if error is None and key is not None:
            sent.acked.add(key if isinstance(key, str) else key.decode())

    begun, begun_ns, step = time.monotonic(), time.time_ns(), messages[0].step
    sent.begun_ns = sent.begun_ns or begun_ns
    for number, due in enumerate(messages):
        after_s = number / rate_per_s if rate_per_s else 0.0
        while (left_s := begun + after_s - time.monotonic()) > 0:
            producer.poll(0)
            if stop.wait(min(left_s, _TICK_S)):
                producer.purge()
                return
        if due.step != step:
            producer.flush(_ACKED_S)
            step = due.step
        key = str(due.review.id)
        sent.due_ns.setdefault(key, begun_ns + round(after_s * 1e9))
        sent.latest_ms = max(sent.latest_ms, (time.monotonic() - begun - after_s) * 1e3)
        producer.produce(TOPICS[RECORD], codec.encode(REVIEWS, due.review), key, headers=_HEADERS, on_delivery=note)
        sent.messages += 1
        on_sent()
    producer.flush(_ACKED_S)
