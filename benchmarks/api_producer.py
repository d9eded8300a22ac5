"""A producer under a steady rate, with one way of fetching acks: ``python -m benchmarks.api_producer`` prints a `Cost`.

Reads a `Way` from its input. It stands for the API without HTTP, so that what acks cost is not lost in the rest.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec
import numpy as np
import uvloop
from confluent_kafka import KafkaError, Message, Producer

from contract.connections import Connections
from contract.topics import record_topics

_STEP_S, _TICK_S = 0.003, 0.001
_VALUE = b"x" * 300


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """What to do."""

    acks: str = "tick"
    """``tick``: the event loop rests for a millisecond, then polls, as the API does under load; ``loop``: it polls now
    and then; ``thread``: a thread waits and hands bursts over; ``each``: one by one."""
    linger_ms: float = 10.0
    poll_ms: float = 2.0
    rate_per_s: float = 10_000.0
    warmup_s: float = 1.0
    seconds: float = 3.0
    core: int = 0


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What it took."""

    cpu_us: float
    """Of a record, all threads."""
    p50_ms: float
    p99_ms: float


class Records:
    """Records under way, and the times of those that came back."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(
            {**Connections.read().kafka, "acks": "all", "enable.idempotence": True, "linger.ms": way.linger_ms}
        )
        self._topics = record_topics()
        self._sent = 0
        self._burst: list[float] = []
        self._tick_ends_s = 0.0
        self.times_s: list[float] = []
        if way.acks == "tick":
            self._tick()
        elif way.acks == "loop":
            self._poll_on_loop()
        else:
            threading.Thread(target=self._poll_in_thread, daemon=True).start()

    def send(self) -> None:
        """Send one."""
        self._sent += 1
        key = b"%020d%016d" % (time.time_ns(), self._sent)
        topic = self._topics[self._sent % len(self._topics)]
        self._producer.produce(topic, _VALUE, key, on_delivery=self._acked(time.monotonic()))

    def _acked(self, sent_s: float) -> Callable[[KafkaError | None, Message], None]:
        way = self._way.acks

        def acked(error: KafkaError | None, message: Message) -> None:
            assert error is None
            assert message.offset() is not None
            if way in ("tick", "loop"):
                self._settle(sent_s)
            elif way == "thread":
                self._burst.append(sent_s)
            else:
                with suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self._settle, sent_s)

        return acked

    def _settle(self, sent_s: float) -> None:
        self.times_s.append(time.monotonic() - sent_s)

    def _settle_all(self, burst: list[float]) -> None:
        for sent_s in burst:
            self._settle(sent_s)

    def _tick(self) -> None:
        """As `api.writes.kafka.KafkaPath` does while many records are under way."""
        left_s = self._tick_ends_s - time.monotonic()
        if left_s > 0:
            time.sleep(left_s)
        self._tick_ends_s = time.monotonic() + _TICK_S
        self._producer.poll(0)
        self._loop.call_soon(self._tick)

    def _poll_on_loop(self) -> None:
        self._producer.poll(0)
        self._loop.call_later(self._way.poll_ms / 1000, self._poll_on_loop)

    def _poll_in_thread(self) -> None:
        while True:
            self._producer.poll(0.1)
            if self._burst:
                burst, self._burst = self._burst, []
                with suppress(RuntimeError):  # the loop is closed: all was measured
                    self._loop.call_soon_threadsafe(self._settle_all, burst)


async def _measure(way: Way) -> Cost:
    records = Records(way)
    gc.freeze()
    await _pace(records, way, way.warmup_s)
    records.times_s.clear()
    begun_s = time.process_time()
    await _pace(records, way, way.seconds)
    while not records.times_s:  # the producer's id has not come yet, or the machine is busy
        await _pace(records, way, way.seconds)
    used_s, times_ms = time.process_time() - begun_s, np.array(records.times_s) * 1000
    return Cost(
        cpu_us=used_s / len(times_ms) * 1e6,
        p50_ms=float(np.quantile(times_ms, 0.5)),
        p99_ms=float(np.quantile(times_ms, 0.99)),
    )


async def _pace(records: Records, way: Way, seconds: float) -> None:
    begun_s, sent = time.monotonic(), 0
    while (passed_s := time.monotonic() - begun_s) < seconds:
        due = int(passed_s * way.rate_per_s)
        for _ in range(sent, due):
            records.send()
        sent = due
        await asyncio.sleep(_STEP_S)


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Way)
    os.sched_setaffinity(0, {asked.core})
    print(msgspec.json.encode(uvloop.run(_measure(asked))).decode(), flush=True)
    os._exit(0)  # a thread may be in poll()
