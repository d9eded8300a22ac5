"""The least that writing to Kafka from Python costs: ``python -m benchmarks.kafka_user_bare`` prints a `Cost`.

One producer in a loop that sleeps, sends what is due and polls; no ids, no schedules, no record of anything but times.
"""

from __future__ import annotations

import os
import sys
import time

import msgspec
import numpy as np
from confluent_kafka import KafkaError, Message, Producer

from benchmarks.kafka_user_cost import Cost, Way
from contract.connections import Connections
from contract.entities import ENTITIES
from contract.topics import topic_of
from seawall.load.payloads import body_tails

_STEP_S = 0.002
_FLUSH_S = 10.0


def measure(way: Way) -> Cost:
    """Send for the warm-up and for the time that counts."""
    producer = Producer({
        **Connections.read().kafka, "acks": "all", "enable.idempotence": True, "linger.ms": way.linger_ms,
    })  # fmt: skip
    orders = ENTITIES["orders"]
    topic, tails = topic_of(orders), body_tails(orders, way.seed)
    times_s: list[float] = []

    def send(number: int) -> None:
        sent_s = time.monotonic()

        def acked(error: KafkaError | None, _: Message) -> None:
            assert error is None, error
            times_s.append(time.monotonic() - sent_s)

        producer.produce(topic, tails[number % len(tails)], b"%036d" % number, on_delivery=acked)

    def pace(seconds: float, first: int) -> int:
        begun_s, sent = time.monotonic(), 0
        while (passed_s := time.monotonic() - begun_s) < seconds:
            due = int(passed_s * way.rate_per_s)
            for number in range(sent, due):
                send(first + number)
            sent = due
            producer.poll(0)
            time.sleep(_STEP_S)
        return first + sent

    sent = pace(way.warmup_s, 0)
    producer.flush(_FLUSH_S)
    times_s.clear()
    cpu_s, loop_s = time.process_time(), time.thread_time()
    pace(way.seconds, sent)
    producer.flush(_FLUSH_S)
    cpu_s, loop_s = time.process_time() - cpu_s, time.thread_time() - loop_s
    p50_ms, p99_ms = np.quantile(np.array(times_s) * 1e3, (0.5, 0.99)).tolist()
    each_us = 1e6 / len(times_s)
    return Cost(
        records=len(times_s), cpu_us=cpu_s * each_us, loop_us=loop_s * each_us, ack_p50_ms=p50_ms, ack_p99_ms=p99_ms
    )


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Way)
    os.sched_setaffinity(0, {asked.core})
    print(msgspec.json.encode(measure(asked)).decode(), flush=True)
