"""How many records a second do the API's producer and the sinks' consumer carry beside Kafka's own tools for Java?

One cluster, one topic each, the same records without a key, and settings that are the same as far as both clients have
them: those that the service runs with. Ours and Java's run in turns, every other round the other way round; a ratio is
one of two runs of the same round.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from benchmarks.api_runs import own_stack
from benchmarks.errors import ProcessFailed
from benchmarks.kafka_peer_run import Seen, Task
from benchmarks.kafka_tools import KafkaTools
from benchmarks.measuring_process import ask
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from contract.codecs import CODECS
from contract.entities import ENTITIES
from contract.ids import base_id
from contract.registry import NoRegistry
from contract.samples import sample_fields
from seawall.stats.trials import geometric_mean

ROUNDS, QUICK_ROUNDS = 6, 2
QUICK_ACKS = 1
RECORDS, QUICK_RECORDS = 400_000, 5_000
WARMUP_SHARE = 0.5
PAYLOADS = 2_000
PARTITIONS = 3
LEAST_RATIO = 0.5
"""Of Java's rate, with each record's acknowledgement awaited."""
ACKS: dict[str, dict[str, Any]] = {
    "acks=all, idempotent": {"acks": "all", "enable.idempotence": True},
    "acks=1": {"acks": "1", "enable.idempotence": False},
    "acks=0": {"acks": "0", "enable.idempotence": False},
}
_ALIKE = {"message.timeout.ms": 120_000, "max.in.flight.requests.per.connection": 5}
"""As Java has it: a queue that is always full takes its time, and without idempotence librdkafka knows no bound."""
_SHARED = ("acks", "enable.idempotence", "linger.ms", "compression.type", "max.in.flight.requests.per.connection")
_RUN = "benchmarks.kafka_peer_run"

_ADMIN_S = 30.0

Rates = npt.NDArray[np.float64]


def java_producer(ours: dict[str, Any]) -> dict[str, object]:
    """Return by Java's names what our producer is made with, defaults of librdkafka among it."""
    full = {"batch.size": 1_000_000, "max.in.flight.requests.per.connection": 5, "compression.type": "none", **ours}
    found: dict[str, object] = {name: full[name] for name in _SHARED}
    found["linger.ms"] = round(float(full["linger.ms"]))
    found["batch.size"] = full["batch.size"]
    found["enable.idempotence"] = str(full["enable.idempotence"]).lower()
    return found


def java_consumer(ours: dict[str, Any], batch: int) -> dict[str, object]:
    """Return by Java's names what a sink's consumer is made with."""
    return {
        "fetch.min.bytes": ours["fetch.min.bytes"],
        "fetch.max.wait.ms": ours["fetch.wait.max.ms"],
        "max.poll.records": batch,
        "isolation.level": ours.get("isolation.level", "read_committed"),
        "check.crcs": str(ours.get("check.crcs", False)).lower(),
        "enable.auto.commit": "false",
        "auto.offset.reset": "earliest",
    }


class Peers:
    """Topics on one cluster, and who writes and reads them."""

    def __init__(self, connection: dict[str, Any], directory: Path, records: int, seed: int) -> None:
        """*connection* holds librdkafka's settings; a *directory* keeps payloads and what Java is told."""
        self._admin = AdminClient({**connection, "log_level": 0})
        self._tools = KafkaTools(connection, directory)
        self._records, self._warmup = records, int(records * WARMUP_SHARE)
        self._payloads = directory / "payloads"
        self.record_bytes = _write_payloads(self._payloads, seed)
        self._made = 0
        self._settings = ask(_RUN, Task(kind="settings"), Seen)

    def produced(self, acks: str) -> tuple[Callable[[], float], Callable[[], float]]:
        """Return what runs our producer and Java's, each into a topic of its own, and tells the rate."""
        properties = {**ACKS[acks], **_ALIKE}
        java = java_producer({**self._settings.producer, **properties})

        def ours() -> float:
            with self._topic() as topic:
                return self._rate(
                    Task(
                        kind="produce", topic=topic, records=self._records, warmup_records=self._warmup,
                        payloads=str(self._payloads), properties=properties,
                    )
                )  # fmt: skip

        def theirs() -> float:
            with self._topic() as topic:
                return self._tools.produce(topic, self._payloads, self._records, self._warmup, java)

        return ours, theirs

    @contextmanager
    def read(self) -> Iterator[tuple[Callable[[], float], Callable[[], float]]]:
        """Fill a topic, and give what reads it by a consumer of ours and by Java's, each time in a new group."""
        java = java_consumer(self._settings.consumer, self._settings.batch_size)
        total = self._records + self._warmup
        with self._topic() as topic:
            self._rate(
                Task(
                    kind="produce", topic=topic, records=total, payloads=str(self._payloads), properties=_ALIKE
                )
            )  # fmt: skip

            def ours() -> float:
                return self._rate(Task(kind="consume", topic=topic, records=total, group=self._name("group")))

            def theirs() -> float:
                found = self._tools.consume(topic, self._name("group"), total, java)
                if found.records < total:
                    raise ProcessFailed(f"kafka-consumer-perf-test read {found.records} of {total} records")
                return found.records_per_s

            yield ours, theirs

    def _rate(self, task: Task) -> float:
        """Return how many records a second ours carried; raises `ProcessFailed` where some are missing."""
        seen = ask(_RUN, task, Seen)
        # of what is read, the first records started the clock
        whole = seen.records == task.records if task.kind == "produce" else 0 < seen.records <= task.records
        if not whole or not seen.seconds:
            raise ProcessFailed(f"ours carried {seen.records} of {task.records} records ({task.kind})")
        return seen.records / seen.seconds

    @contextmanager
    def _topic(self) -> Iterator[str]:
        name = self._name("topic")
        self._admin.create_topics([NewTopic(name, PARTITIONS)])[name].result(_ADMIN_S)
        try:
            yield name
        finally:
            self._admin.delete_topics([name])[name].result(_ADMIN_S)

    def _name(self, kind: str) -> str:
        self._made += 1
        return f"peers-{kind}-{self._made}"


def in_turns(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> tuple[Rates, Rates]:
    """Return the rates of both, shape ``(rounds,)`` each, records a second."""
    found: dict[Callable[[], float], list[float]] = {ours: [], theirs: []}
    for number in range(rounds):
        for run in (ours, theirs) if number % 2 == 0 else (theirs, ours):
            found[run].append(run())
    return np.array(found[ours]), np.array(found[theirs])


def figure_of(name: str, ours: Rates, theirs: Rates, least: float | None = None) -> Figure:
    """Hold ours against theirs, round by round; at *least* so many times as much is asked, where anything is."""
    ratios = ours / theirs
    ratio, words = float(ratios[0]), f"{ratios[0]:.2f} times"
    if len(ratios) > 1:
        mean = geometric_mean(ratios)
        ratio, words = mean.estimate, f"{mean.estimate:.2f} ({mean.low:.2f} to {mean.high:.2f}) times"
    return Figure(
        name=name,
        measured=float(np.median(ours)),
        beside=float(np.median(theirs)),
        unit="/s",
        error=words,
        asked="" if least is None else f"at least {least:g} times",
        reached=None if least is None else ratio >= least,
    )


def _write_payloads(place: Path, seed: int) -> float:
    """Write orders as the API puts them into the log, a line each, and return how many bytes one has on average."""
    orders = ENTITIES["orders"]
    codec = CODECS["json"](NoRegistry())
    fields = sample_fields(orders, seed, PAYLOADS)
    lines = [
        codec.encode(orders, orders.record(id=base_id(number, orders.number), **one))
        for number, one in enumerate(fields)
    ]
    place.write_bytes(b"\n".join(lines) + b"\n")
    return sum(map(len, lines)) / len(lines)


def main(arguments: Sequence[str]) -> int:
    """Run all in turns, and return 0 if our producer carries the share of Java's that is asked of it."""
    parser = argument_parser("kafka_peers", __doc__)
    parser.add_argument("--rounds", type=int, help=f"of each row (default {ROUNDS})")
    parser.add_argument("--records", type=int, help=f"of each run (default {RECORDS:,})")
    asked = parser.parse_args(arguments)
    rounds, records = (QUICK_ROUNDS, QUICK_RECORDS) if asked.quick else (ROUNDS, RECORDS)
    rounds, records = asked.rounds or rounds, asked.records or records
    if min(rounds, records) < 1:
        parser.error("--rounds and --records: at least one")
    wanted = list(ACKS)[:QUICK_ACKS] if asked.quick else list(ACKS)
    report = BenchmarkReport(
        benchmark="kafka_peers",
        question="how many records a second do producer and consumer carry beside Kafka's own tools?",
        quick=asked.quick,
        beside_name="Java",
    )
    with own_stack("bench kafka_peers") as stack, tempfile.TemporaryDirectory() as directory:
        peers = Peers(stack.connections.kafka, Path(directory), records, asked.seed)
        for acks in wanted:
            least = LEAST_RATIO if acks.startswith("acks=all") else None
            report.figures.append(figure_of(f"producer, {acks}", *in_turns(*peers.produced(acks), rounds), least))
        with peers.read() as readers:
            report.figures.append(figure_of("consumer", *in_turns(*readers, rounds)))
    report.notes = [
        (
            f"{records:,} records a run of {peers.record_bytes:.0f} bytes, orders in JSON without a key, on"
            f" {PARTITIONS} partitions of one broker; {int(records * WARMUP_SHARE):,} more warm a producer up."
            f" {rounds} rounds in turns: medians, and the geometric mean of the rounds' ratios with its 95 % interval."
        ),
        (
            "The same for both: acks, idempotence, linger.ms, batch.size, compression, requests in flight; of consumers"
            " fetch.min.bytes, the fetch's longest wait, records at once, isolation, no check of checksums."
        ),
        (
            "Both producers hear of each record's acknowledgement, ours in Python; both consumers count what they read"
            " and look at nothing in it."
        ),
        "Not measured: what the API does before, and the sink's database behind; `bench api` and `bench sink` do.",
    ]
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
