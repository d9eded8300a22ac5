"""Users of Locust at a steady rate, to Kafka or by HTTP: ``python -m benchmarks.kafka_user_load`` prints a `Cost`.

Each mints ids, keeps its schedule, is recorded and counted by Locust, as in any run.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import gevent
import msgspec
import numpy as np
from locust import events, task
from locust.env import Environment

from benchmarks.kafka_user_cost import Cost, Way
from seawall.audit.ledger import read_ledger
from seawall.load.counts import Counts
from seawall.load.kafka.outlet import Outlet
from seawall.load.kafka.terms import terms_of
from seawall.load.kafka.users import KafkaIngestUser
from seawall.load.recorder import ColumnRecorder
from seawall.load.run import LoadRun
from seawall.load.setup import counts_of, set_run
from seawall.load.users import IngestUser

_LEAD_S = 0.3


def kafka_user(way: Way) -> type[KafkaIngestUser]:
    """Return the class whose users write straight to Kafka."""

    class Straight(KafkaIngestUser):
        linger_ms = way.linger_ms
        follow = way.follow

        @task
        def write(self) -> None:
            self.write_record(wait=way.wait)

    return Straight


def http_user() -> type[IngestUser]:
    """Return the class whose users write by HTTP."""

    class ByHttp(IngestUser):
        @task
        def write(self) -> None:
            self.write_record("kafka")

    return ByHttp


def measure(way: Way, directory: Path) -> Cost:
    """Run the users for the warm-up and for the time that counts."""
    environment = Environment(host=way.url or None, events=events, catch_exceptions=False)
    runner = environment.create_local_runner()
    load = LoadRun(seed=way.seed, entity="orders", rate_per_s=way.rate_per_s / way.users, planned_users=way.users)
    recorder = load.recorder = ColumnRecorder(directory / "ledger", load.run, way.seed)
    set_run(environment, load)
    outlet = None
    if way.kind == "http":
        environment.user_classes = [http_user()]
    else:
        straight = kafka_user(way)
        environment.user_classes = [straight]
        counts: Counts = counts_of(environment)
        load.outlet = outlet = Outlet(terms_of([straight], None, "orders"), load, counts)
    runner.start(way.users, spawn_rate=way.users)
    while load.waiting < way.users:
        gevent.sleep(0.01)
    gc.collect()
    gc.freeze()
    start_ns = time.monotonic_ns() + int(_LEAD_S * 1e9)
    begin_ns = start_ns + int(way.warmup_s * 1e9)
    load.open_gate(start_ns, begin_ns + int(way.seconds * 1e9))
    gevent.sleep((begin_ns - time.monotonic_ns()) / 1e9)
    cpu_s, loop_s = time.process_time(), time.thread_time()
    load.all_rest.wait()
    if outlet is not None:
        outlet.close()
    cpu_s, loop_s = time.process_time() - cpu_s, time.thread_time() - loop_s
    load.farewell.set()
    runner.user_greenlets.join()
    recorder.close()
    ledger: Any = read_ledger(directory / "ledger")
    counted = ledger.intended_ns >= begin_ns
    if not ledger.accepted.all():
        raise SystemExit(f"{int((~ledger.accepted).sum())} of {len(ledger.status)} records were not taken")
    times_ms = (ledger.answered_ns - ledger.sent_ns)[counted] / 1e6
    p50_ms, p99_ms = np.quantile(times_ms, (0.5, 0.99)).tolist()
    each_us = 1e6 / int(counted.sum())
    return Cost(
        records=int(counted.sum()), cpu_us=cpu_s * each_us, loop_us=loop_s * each_us, ack_p50_ms=p50_ms,
        ack_p99_ms=p99_ms,
    )  # fmt: skip


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Way)
    os.sched_setaffinity(0, {asked.core})
    with tempfile.TemporaryDirectory() as name:
        found = measure(asked, Path(name))
    print(msgspec.json.encode(found).decode(), flush=True)
