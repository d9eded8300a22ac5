"""What would the API's writes cost with another decoder, another way to fetch acks, another linger or collector?

For each choice of the hot path its alternatives, in processor time, interleaved. The chosen decoder and the chosen way
to fetch acks must cost no more than a tenth above the cheapest; the linger is a trade between processor time, of the
brokers above all, and the time to an answer; the collector one between throughput and the longest answer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from pydantic import BaseModel

from benchmarks import api_servers
from benchmarks.api_load import connections_at_most
from benchmarks.api_producer import Cost, Way
from benchmarks.api_runs import own_stack, running_server, send
from benchmarks.measuring_process import ask
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from contract.codecs import JsonCodec
from contract.entities import ENTITIES, parse
from contract.ids import base_id
from contract.samples import sample_fields
from seawall.stack.stack import Stack

CHOSEN_LINGER_MS = 10.0
MOST = 1.1
RECORDS, QUICK_RECORDS = 3_000, 300
ROUNDS, QUICK_ROUNDS = 5, 1
SECONDS, QUICK_SECONDS = 4.0, 0.3
CONNECTIONS, QUICK_CONNECTIONS = 10_000, 200
PACED_SECONDS, QUICK_PACED_SECONDS = 15.0, 0.5

ACKS = {
    "the loop turns every ms and polls (chosen)": Way(),
    "the loop polls every 2 ms": Way(acks="loop"),
    "the loop polls every 5 ms": Way(acks="loop", poll_ms=5.0),
    "a thread waits, a wake-up a burst": Way(acks="thread"),
    "a thread waits, a wake-up an ack": Way(acks="each"),
}
LINGERS = {
    f"{linger_ms:g} ms{' (chosen)' if linger_ms == CHOSEN_LINGER_MS else ''}": Way(linger_ms=linger_ms)
    for linger_ms in (2.0, 5.0, CHOSEN_LINGER_MS, 20.0)
}
COLLECTORS = {"frozen and rare (chosen)": "ours", "as Python ships it": "ours-collected", "off": "ours-uncollected"}


def decoders(records: int, rounds: int, seed: int) -> list[Figure]:
    """Return what it takes to get a validated record out of a body, and a value for the log out of that."""
    models: dict[str, type[BaseModel]] = {
        "products": api_servers.Product,
        "users": api_servers.User,
        "orders": api_servers.Order,
        "reviews": api_servers.Review,
    }
    bodies = [
        (entity, msgspec.json.encode({"id": base_id(number, entity.number), **fields}))
        for entity in ENTITIES.values()
        for number, fields in enumerate(sample_fields(entity, seed, records // len(ENTITIES)))
    ]
    parsed = [(entity, parse(entity, body)) for entity, body in bodies]
    encode = JsonCodec().encode
    ways: dict[str, Callable[[], object]] = {
        "decoder: msgspec, all checks (chosen)": lambda: [parse(entity, body) for entity, body in bodies],
        "decoder: pydantic, all checks": lambda: [models[e.name].model_validate_json(body) for e, body in bodies],
        "decoder: json, no checks at all": lambda: [json.loads(body) for _, body in bodies],
        "value: encoded again (chosen)": lambda: [encode(entity, record) for entity, record in parsed],
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            begun_s = time.thread_time()
            way()
            found[name].append((time.thread_time() - begun_s) / len(bodies) * 1e6)
    costs = {name: min(times) for name, times in found.items()}
    *kinds, value = [_cost(name, cost, costs["decoder: msgspec, all checks (chosen)"]) for name, cost in costs.items()]
    return [*_judged(kinds), msgspec.structs.replace(value, beside=0.0, error="the body's own bytes cost nothing")]


def acks(rounds: int, seconds: float) -> list[Figure]:
    """Return what a record costs the producing process, by how acks are fetched."""
    found = _producers(ACKS, rounds, seconds)
    costs = {f"acks: {name}": float(np.median([cost.cpu_us for cost in runs])) for name, runs in found.items()}
    return _judged([_cost(name, cost, next(iter(costs.values()))) for name, cost in costs.items()])


def lingers(stack: Stack, rounds: int, seconds: float) -> list[Figure]:
    """Return what a record costs the producer and the broker, and how long its ack takes."""
    broker_us: dict[str, list[float]] = {name: [] for name in LINGERS}

    def watched(name: str, way: Way) -> Cost:
        before_s = _broker_cpu_s(stack)
        cost = ask("benchmarks.api_producer", way, Cost)
        sent = way.rate_per_s * (way.warmup_s + way.seconds)
        broker_us[name].append((_broker_cpu_s(stack) - before_s) / sent * 1e6)
        return cost

    found = _producers(LINGERS, rounds, seconds, watched)
    chosen = next(name for name in LINGERS if "chosen" in name)
    beside = float(np.median([cost.cpu_us for cost in found[chosen]]))
    figures = []
    for name, runs in found.items():
        cpu_us, p50_ms, p99_ms = np.median([(run.cpu_us, run.p50_ms, run.p99_ms) for run in runs], axis=0)
        figure = _cost(f"linger: {name}", float(cpu_us), beside)
        more = f"{figure.error}; broker {np.median(broker_us[name]):.1f} us; ack p50 {p50_ms:.1f}, p99 {p99_ms:.1f} ms"
        figures.append(msgspec.structs.replace(figure, error=more))
    return figures


def collectors(connections: int, seconds: float, seed: int) -> list[Figure]:
    """Return what a request costs the API, and its slowest answers, by how garbage is collected."""
    figures: list[Figure] = []
    for name, kind in COLLECTORS.items():
        with running_server(kind) as server:
            seen = send(server, "kafka", connections=connections, seconds=seconds, rate_per_s=connections, seed=seed)
        beside = figures[0].measured if figures else seen.cpu_s / seen.requests * 1e6
        _, p95_ms, p99_ms, p999_ms, longest_ms = seen.quantiles_ms
        figure = _cost(f"collector: {name}", seen.cpu_s / seen.requests * 1e6, beside)
        more = f"p95 {p95_ms:.0f}, p99 {p99_ms:.0f}, p99.9 {p999_ms:.0f}, longest {longest_ms:.0f} ms"
        figures.append(msgspec.structs.replace(figure, error=f"{figure.error}; {more}"))
    return figures


def main(arguments: Sequence[str]) -> int:
    """Measure every choice and return 0 if the chosen decoder and way to fetch acks are not beaten by a tenth."""
    asked = argument_parser("api_choices", __doc__).parse_args(arguments)
    quick = asked.quick
    report = BenchmarkReport(
        benchmark="api_choices",
        question="what would the API's writes cost if it had been built otherwise?",
        quick=quick,
        beside_name="chosen",
    )
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    report.figures += decoders(QUICK_RECORDS if quick else RECORDS, rounds * 4, asked.seed)
    with own_stack("bench api_choices") as stack:
        report.figures += acks(rounds, seconds)
        report.figures += lingers(stack, rounds, seconds)
        report.figures += collectors(
            min(QUICK_CONNECTIONS if quick else CONNECTIONS, connections_at_most()),
            QUICK_PACED_SECONDS if quick else PACED_SECONDS,
            asked.seed,
        )
    report.notes = [
        "Microseconds of processor time a record: least of the rounds for decoders, median for the others.",
        (
            f"Acks and linger: a producer without HTTP at 10,000/s, {rounds} rounds in the order A B .. B A. "
            "Collector: the API with as many connections as writes a second, once each."
        ),
    ]
    return finish(report, as_json=asked.json)


def _cost(name: str, cost_us: float, beside_us: float) -> Figure:
    return Figure(
        name=name, measured=cost_us, beside=beside_us, unit="us", error=f"{cost_us / beside_us:.2f} of the chosen"
    )


def _judged(figures: Sequence[Figure]) -> list[Figure]:
    """Hold the first of *figures*, the chosen way, against the cheapest."""
    chosen, *others = figures
    least = min(figure.measured for figure in figures)
    asked = f"at most {MOST:g} of the cheapest"
    return [msgspec.structs.replace(chosen, asked=asked, reached=chosen.measured <= MOST * least), *others]


def _producers(
    ways: dict[str, Way], rounds: int, seconds: float, run: Callable[[str, Way], Cost] | None = None
) -> dict[str, list[Cost]]:
    found: dict[str, list[Cost]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items() if number % 2 == 0 else reversed(ways.items()):
            timed = msgspec.structs.replace(way, seconds=seconds, warmup_s=min(way.warmup_s, seconds))
            found[name].append(run(name, timed) if run else ask("benchmarks.api_producer", timed, Cost))
    return found


def _broker_cpu_s(stack: Stack) -> float:
    return sum(use.cpu_s for name, use in stack.resources().items() if name.startswith("kafka"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
