"""What does a record that users write straight to Kafka cost the generator, beside a bare producer and a write by HTTP?

At the same rate, one process each, on one core: processor time a record of the whole process, and that of the thread
that sends, which bounds what one process can do. Rounds in turn; a ratio is one of two runs of the same round.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec
import numpy as np

from benchmarks.api_runs import SERVER_CORE, own_stack
from benchmarks.cores import on_core
from benchmarks.kafka_user_cost import Cost, Way
from benchmarks.measuring_process import ask
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from benchmarks.server_process import running
from seawall.stats.trials import geometric_mean

BARE, WAITED, HANDED, WATCHED, HTTP = (
    "a bare producer",
    "Kafka users who wait for each ack",
    "Kafka users who hand over and go on",
    "Kafka users who wait, and a consumer that looks",
    "users who write by HTTP",
)
WAYS = {
    BARE: ("benchmarks.kafka_user_bare", Way(kind="bare")),
    WAITED: ("benchmarks.kafka_user_load", Way(kind="users")),
    HANDED: ("benchmarks.kafka_user_load", Way(kind="users", wait=False)),
    WATCHED: ("benchmarks.kafka_user_load", Way(kind="users", follow=True)),
    HTTP: ("benchmarks.kafka_user_load", Way(kind="http")),
}
LEAST_PER_S = 10_000.0
"""One process is to carry so many records a second, by its sending thread's time."""
MOST_OF_HTTP = 1.0
ROUNDS, QUICK_ROUNDS = 6, 1
QUICK = {"seconds": 1.0, "warmup_s": 0.5, "rate_per_s": 500.0, "users": 50}


def costs(ways: dict[str, tuple[str, Way]], rounds: int) -> dict[str, list[Cost]]:
    """Run all *ways* in turn, every other round backwards."""
    found: dict[str, list[Cost]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, (module, way) in ways.items() if number % 2 == 0 else reversed(ways.items()):
            found[name].append(ask(module, way, Cost))
    return found


def figures_of(found: dict[str, list[Cost]]) -> list[Figure]:
    """Hold each way's time against that of the bare producer, and against HTTP what is asked of it."""
    cpu_us = {name: np.array([cost.cpu_us for cost in runs]) for name, runs in found.items()}
    loop_us = {name: np.array([cost.loop_us for cost in runs]) for name, runs in found.items()}
    figures = []
    for name, times_us in cpu_us.items():
        ack_ms = np.median([(cost.ack_p50_ms, cost.ack_p99_ms) for cost in found[name]], axis=0)
        times = f"sent to {'answer' if name == HTTP else 'ack'} p50 {ack_ms[0]:.2f}, p99 {ack_ms[1]:.2f} ms"
        figures.append(
            Figure(
                name=f"{name}: processor time a record",
                measured=float(np.median(times_us)),
                beside=float(np.median(cpu_us[BARE])),
                unit="us",
                error=f"{_ratio(times_us / cpu_us[BARE])[1]} times; {times}",
            )
        )
    for name in (WAITED, HANDED):
        per_s = 1e6 / float(np.median(loop_us[name]))
        figures.append(
            Figure(
                name=f"{name}: records a second for which the sending thread has time",
                measured=per_s,
                unit="/s",
                asked=f"at least {LEAST_PER_S:,.0f}/s",
                reached=per_s >= LEAST_PER_S,
            )
        )
    ratio, words = _ratio(cpu_us[WAITED] / cpu_us[HTTP])
    figures.append(
        Figure(
            name="a record straight to Kafka beside one by HTTP: processor time",
            measured=float(np.median(cpu_us[WAITED])),
            beside=float(np.median(cpu_us[HTTP])),
            unit="us",
            error=f"{words} times",
            asked=f"at most {MOST_OF_HTTP:g} times",
            reached=ratio <= MOST_OF_HTTP,
        )
    )
    return figures


def _ratio(ratios: np.ndarray) -> tuple[float, str]:
    if len(ratios) == 1:
        return float(ratios[0]), f"{ratios[0]:.2f}"
    mean = geometric_mean(ratios)
    return mean.estimate, f"{mean.estimate:.2f} ({mean.low:.2f} to {mean.high:.2f})"


def main(arguments: Sequence[str]) -> int:
    """Measure all ways, and return 0 if what is asked is reached."""
    parser = argument_parser("kafka_user", __doc__)
    parser.add_argument("--rounds", type=int, help=f"of every way (default {ROUNDS})")
    asked = parser.parse_args(arguments)
    rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    report = BenchmarkReport(
        benchmark="kafka_user",
        question="what does a record straight to Kafka cost the generator?",
        quick=asked.quick,
        beside_name="bare, or HTTP",
    )
    shared = {"seed": asked.seed, "core": SERVER_CORE}
    with own_stack("bench kafka_user"), on_core(1), running("benchmarks.fast_server") as server:
        ways = {
            name: (module, msgspec.structs.replace(way, url=server.url if way.kind == "http" else "", **shared))
            for name, (module, way) in WAYS.items()
        }
        if asked.quick:
            ways = {name: (module, msgspec.structs.replace(way, **QUICK)) for name, (module, way) in ways.items()}
        found = costs(ways, rounds)
    report.figures = figures_of(found)
    way = next(iter(ways.values()))[1]
    report.notes = [
        (
            f"{way.rate_per_s:,.0f} records a second by {way.users} users, linger {way.linger_ms:g} ms, idempotent,"
            f" {rounds} rounds of every way: medians, and the geometric mean of the rounds' ratios with its 95 %"
            " interval. HTTP goes to a server that answers at once, so its times are no acknowledgement of Kafka's."
        ),
        "Processor time is that of all threads of a process, librdkafka's among them, without the consumer's process.",
    ]
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
