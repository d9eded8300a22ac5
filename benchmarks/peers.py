"""How fast and how exact is the generator beside Locust's own users, wrk and hey, on one core?

Speed: a closed loop against a server that is faster than all of them; requests divided by the generator's processor
time. Exactness: each tool's p50, p95 and p99 against what a server of known service times logged of that very run;
users with a rate of their own where the tool can, a closed loop of as many requests where it cannot.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.errors import ProcessFailed
from benchmarks.known_server import Service, known_server, read_times
from benchmarks.known_trial import error_in_words
from benchmarks.peer_tools import SHARES, TOOLS, UNSUPPORTED, Load, Seen, Tool
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from benchmarks.server_process import running

SERVICE = Service(median_ms=20.0, sigma=0.5)
FASTEST_PEER = "Locust FastHttpUser"
"""Seawall's generator is a Locust; it must be faster than the one that Locust ships."""

ROUNDS, QUICK_ROUNDS = 3, 1
SECONDS, QUICK_SECONDS = 4.0, 1.0
QUICK_TOOLS = 2
SPEED_USERS = 50
PACED_USERS, PACED_RATE_PER_S = 200, 4.0
CLOSED_USERS = 20


def speeds(tools: Sequence[Tool], rounds: int, seconds: float) -> dict[str, float]:
    """Return each tool's requests a second of processor time, the median of interleaved rounds."""
    found: dict[str, list[float]] = {tool.name: [] for tool in tools}
    with running("benchmarks.fast_server") as server:
        for number in range(rounds):
            for tool in tools if number % 2 == 0 else reversed(tools):
                seen = tool.run(server.url, Load(users=SPEED_USERS, seconds=seconds))
                _check(tool, seen)
                found[tool.name].append(seen.requests / seen.cpu_s)
    return {name: float(np.median(figures)) for name, figures in found.items()}


def speed_figures(found: dict[str, float]) -> list[Figure]:
    """Hold each tool's speed against Seawall's, and Seawall's against Locust's own."""
    ours = found["Seawall"]
    return [
        Figure(
            name=f"{name}: requests a second of one core",
            measured=speed,
            beside=found[FASTEST_PEER] if name == "Seawall" else ours,
            error=f"{speed / (found[FASTEST_PEER] if name == 'Seawall' else ours):.2f} times",
            asked=f"more than {FASTEST_PEER}" if name == "Seawall" else "",
            reached=ours > found[FASTEST_PEER] if name == "Seawall" else None,
        )
        for name, speed in found.items()
    ]


def exactness_of(tool: Tool, seconds: float, seed: int) -> list[Figure]:
    """Hold what a tool says of its requests against what the server logged of them."""
    load = (
        Load(users=PACED_USERS, seconds=seconds, rate_per_s=PACED_RATE_PER_S)
        if tool.paced
        else Load(users=CLOSED_USERS, seconds=seconds)
    )
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "server.csv"
        with known_server(log, SERVICE, seed) as server:
            seen = tool.run(server.url, load)
            _check(tool, seen)
        truth_ms = read_times(log).service_ms
    return [
        Figure(
            name=f"{tool.name}: p{100 * share:g}",
            measured=measured,
            beside=(truth := float(np.quantile(truth_ms, share))),
            unit="ms",
            error=error_in_words(measured, truth),
        )
        for share, measured in zip(SHARES, seen.quantiles_ms, strict=True)
    ]


def main(arguments: Sequence[str]) -> int:
    """Measure every tool that is there, and return 0 if Seawall is faster than Locust's own users."""
    parser = argument_parser("peers", __doc__)
    asked = parser.parse_args(arguments)
    seconds = QUICK_SECONDS if asked.quick else SECONDS
    wanted = TOOLS[:QUICK_TOOLS] if asked.quick else TOOLS
    tools = [tool for tool in wanted if tool.is_there()]
    missing = [tool.name for tool in wanted if not tool.is_there()]
    report = BenchmarkReport(
        benchmark="peers",
        question="how fast and how exact is the generator beside others?",
        quick=asked.quick,
        beside_name="beside",
    )
    report.figures += speed_figures(speeds(tools, QUICK_ROUNDS if asked.quick else ROUNDS, seconds))
    for tool in tools:
        report.figures += exactness_of(tool, seconds, asked.seed)
    report.notes = [
        f"Speed: beside Seawall stands {FASTEST_PEER}, beside the others Seawall.",
        "Percentiles: beside each stands what the server logged. Locust rounds its own to 10 ms from 100 ms on.",
        "Seawall counts from when a request was due, the others from when it was sent.",
        f"Not measured: {'; '.join([*(f'{name}, not installed' for name in missing), *UNSUPPORTED])}.",
    ]
    return finish(report, as_json=asked.json)


def _check(tool: Tool, seen: Seen) -> None:
    if seen.failed or not seen.requests:
        raise ProcessFailed(f"{tool.name}: {seen.failed} of {seen.requests} requests failed: its figures say nothing")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
