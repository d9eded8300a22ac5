"""How fast does one sink move records from Kafka into the tables, beside a raw COPY of the same rows?

The topics are filled as the API fills them. The real sink reads them from the start, and the rows that it stored are
then copied into the emptied tables, ready made and with as many a transaction, in turn; both from first commit to last.
Then the same sink gets records at a pace: what it takes of the processors, and how long a record is not visible.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.errors import ProcessFailed
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from benchmarks.sink_copy import Table
from benchmarks.sink_records import Published, Publisher
from benchmarks.sink_run import SinkRun, running_sink
from seawall.stack import places
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack
from seawall.stats.trials import geometric_mean
from workers.sink.settings import Settings

LEAST = 0.5
"""Of the rows a second of the COPY."""
MOST_CORES, MOST_VISIBLE_MS = 0.08, 300.0
"""Of the sink at `JUDGED_PACE`."""
RECORDS, QUICK_RECORDS = 300_000, 10_000
PAIRS, QUICK_PAIRS = 6, 2
PACES, QUICK_PACES, JUDGED_PACE = (1_000, 4_000, 10_000), (2_000,), 10_000
PACE_S, QUICK_PACE_S = 15.0, 2.0
_WARM_S = 1.0


class Cores(NamedTuple):
    """Who runs where."""

    client: set[int]
    servers: set[int]

    @classmethod
    def shared_out(cls) -> Cores:
        """Give the client, sink or COPY, the first core, and the servers the second; the same if it is the only one."""
        found = sorted(os.sched_getaffinity(0))
        return cls({found[0]}, set(found[1:2] or found))


class Drained(NamedTuple):
    """One pair: the sink and the COPY, each with the rows a second."""

    sink: SinkRun
    sink_per_s: float
    copy_per_s: float


def drain(stack: Stack, directory: Path, records: int, pairs: int, cores: Cores) -> list[Drained]:
    """Let sink and COPY store *records* rows in turn, A B B A, after a run of each that does not count."""
    table, size = Table(stack.connections.psycopg_url), Settings().sink_batch_size

    def sink(number: int) -> SinkRun:
        table.empty()
        with running_sink(stack, directory, f"bench-{number}", cores.client) as process:
            run = process.run_until(records)
        if (stored := table.count()) != records:
            raise ProcessFailed(f"the sink stored {stored:,} of {records:,} records")
        return run

    def copy() -> float:
        table.empty()
        run = table.copy(batches, size)
        return run.rows / run.seconds

    found = []
    sink(0)
    batches = table.batches(size)
    copy()
    for number in range(1, pairs + 1):
        if number % 2:
            run, speed = sink(number), copy()
        else:
            speed, run = copy(), sink(number)
        found.append(Drained(run, run.rows / run.seconds, speed))
    table.empty()
    table.close()
    return found


def drained_figures(pairs: Sequence[Drained]) -> list[Figure]:
    """Hold the sink's speed against the COPY's, and show what a row took."""
    ratio = geometric_mean(np.array([pair.sink_per_s / pair.copy_per_s for pair in pairs]))
    rows = sum(pair.sink.rows for pair in pairs)
    used = {
        "sink": sum(pair.sink.cpu.sink_s for pair in pairs),
        "PostgreSQL": sum(pair.sink.cpu.postgres_s for pair in pairs),
        "Kafka": sum(pair.sink.cpu.kafka_s for pair in pairs),
    }
    return [
        Figure(
            name="rows a second",
            measured=float(np.median([pair.sink_per_s for pair in pairs])),
            beside=float(np.median([pair.copy_per_s for pair in pairs])),
            error=f"{ratio.estimate:.3f} ({ratio.low:.3f} to {ratio.high:.3f})",
            asked=f"at least {LEAST:g}, its interval included",
            reached=ratio.low >= LEAST,
        ),
        *(
            Figure(name=f"{name}: processor time of 1,000 rows", measured=seconds / rows * 1e6, unit="ms")
            for name, seconds in used.items()
        ),
    ]


def pace(stack: Stack, directory: Path, publisher: Publisher, rate_per_s: int, seconds: float) -> list[Figure]:
    """Publish at a pace, and return what that takes and when records are visible."""
    name = f"pace-{rate_per_s}"
    stack.fresh()
    with running_sink(stack, directory, name, os.sched_getaffinity(0)) as process:
        process.run_until(len(publisher.pace(rate_per_s, _WARM_S)))
        before, begun_s = process.use(), time.monotonic()
        published = publisher.pace(rate_per_s, seconds)
        used, passed_s = process.use().since(before), time.monotonic() - begun_s
        run = process.run_until(len(published))
    delays_ms = visible_ms(run, published)
    p50, p95, p99 = np.quantile(delays_ms, (0.5, 0.95, 0.99))
    judged = rate_per_s == JUDGED_PACE
    at = f"at {rate_per_s:,}/s"
    return [
        Figure(
            name=f"{at}: cores of the sink",
            measured=used.sink_s / passed_s,
            error=f"{len(run.commits) / passed_s:.1f} batches/s, PostgreSQL {used.postgres_s / passed_s:.3f}, "
            f"Kafka {used.kafka_s / passed_s:.3f}",
            asked=f"at most {MOST_CORES:g}" if judged else "",
            reached=used.sink_s / passed_s <= MOST_CORES if judged else None,
        ),
        Figure(
            name=f"{at}: visible after, p95",
            measured=float(p95),
            unit="ms",
            error=f"p50 {p50:.1f}, p99 {p99:.1f}",
            asked=f"at most {MOST_VISIBLE_MS:g} ms" if judged else "",
            reached=bool(p95 <= MOST_VISIBLE_MS) if judged else None,
        ),
    ]


def visible_ms(run: SinkRun, published: Published) -> list[float]:
    """Return how long after it was due each record became visible; raises `ProcessFailed` where one did not."""
    delays, seen = [], dict(published)
    for commit in run.commits:
        for span in commit.spans:
            for offset in range(span.first, span.last + 1):
                due_ns = seen.pop((span.topic, span.partition, offset), None)
                if due_ns is not None:
                    delays.append((commit.monotonic_ns - due_ns) / 1e6)
    if seen:
        raise ProcessFailed(f"{len(seen):,} records were published and never became visible")
    return delays


def main(arguments: Sequence[str]) -> int:
    """Measure both ends, print the figures, and return 0 if they are reached."""
    parser = argument_parser("sink", __doc__)
    parser.add_argument("--records", type=int, help=f"to be drained (default {RECORDS:,})")
    parser.add_argument("--pairs", type=int, help=f"of sink and COPY (default {PAIRS})")
    asked = parser.parse_args(arguments)
    records = asked.records or (QUICK_RECORDS if asked.quick else RECORDS)
    pairs = asked.pairs or (QUICK_PAIRS if asked.quick else PAIRS)
    report = BenchmarkReport(
        benchmark="sink",
        question=f"how fast does one sink store {records:,} records, and what does it cost at a pace?",
        quick=asked.quick,
        beside_name="raw COPY",
    )
    cores = Cores.shared_out()
    home = places.home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="bench-sink-") as name:
        directory = Path(name)
        os.environ["SEAWALL_HOME"] = str(directory / "home")
        os.sched_setaffinity(0, cores.servers)  # which the stack's servers inherit
        stack = Stack.up(StackOptions(sinks=0), owner="bench sink")
        os.sched_setaffinity(0, cores.client | cores.servers)
        try:
            publisher = Publisher(stack.connections, asked.seed)
            publisher.fill(records)
            os.sched_setaffinity(0, cores.client)
            report.figures += drained_figures(drain(stack, directory, records, pairs, cores))
            os.sched_setaffinity(0, cores.client | cores.servers)
            for rate_per_s in QUICK_PACES if asked.quick else PACES:
                report.figures += pace(stack, directory, publisher, rate_per_s, QUICK_PACE_S if asked.quick else PACE_S)
        finally:
            stack.down()
    report.notes = [
        (
            f"{records:,} mixed records, {pairs} pairs in the order A B B A, both in batches of"
            f" {Settings().sink_batch_size:,}: medians, and the geometric mean of the pairs' ratios with its 95 %"
            " interval. COPY takes ready rows in the binary format, from memory."
        ),
        f"For these, sink or COPY has core {min(cores.client)}; PostgreSQL and Kafka share core {min(cores.servers)}.",
        "At a pace nothing is pinned; a record counts from when it was due to be published, 5 ms of linger included.",
    ]
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
