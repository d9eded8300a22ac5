"""How much load does one core make, beside k6, wrk and Locust's own users, and what do ten thousand users cost?

Speed: a closed loop against a server that is faster; requests divided by the generator's processor time, so that a tool
with more threads gains nothing. Every round runs all tools, and a ratio is one of two runs of the same round.
Ten thousand users: each sends one request a second to a server that answers at once, so that what is measured from the
intended times is the generator's own doing.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.cores import on_core
from benchmarks.errors import ProcessFailed
from benchmarks.peer_tools import (
    FAST_HTTP_USER,
    FAST_HTTP_USER_MENDED,
    HTTP_USER,
    K6,
    SEAWALL,
    Load,
    Tool,
    Wrk,
)
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from benchmarks.server_process import running
from seawall.audit.ledger import read_ledger
from seawall.experiments.load_process import LoadProcess
from seawall.load.trial import TrialDone, TrialLoad
from seawall.stats.trials import geometric_mean

ASKED = {"k6": 3.0, FAST_HTTP_USER.name: 6.0, HTTP_USER.name: 25.0}
"""Seawall is to make so many times the requests of each."""
TOOLS: tuple[Tool, ...] = (SEAWALL, K6(), FAST_HTTP_USER, HTTP_USER, Wrk())
MANY_TOOLS: tuple[Tool, ...] = (SEAWALL, FAST_HTTP_USER, FAST_HTTP_USER_MENDED)

ROUNDS, QUICK_ROUNDS = 7, 1
SECONDS, QUICK_SECONDS = 4.0, 1.0
CONNECTIONS, MANY_CONNECTIONS = 50, 2_000

USERS, FEW_USERS, QUICK_USERS = 10_000, 100, 300
PACED_S, QUICK_PACED_S = 20.0, 2.0
WARMUP_S = 3.0
MOST_CORES, MOST_ADDED_MS, MOST_USER_KB = 0.4, 5.0, 40.0
_OTHER_FILES = 100

Speeds = dict[str, list[float]]
"""Requests a second of processor time, one figure a round, by tool."""


def speeds(tools: Sequence[Tool], connections: int, rounds: int, seconds: float) -> Speeds:
    """Run *tools* in turn, every other round backwards, on one core; the server is on another."""
    found: Speeds = {tool.name: [] for tool in tools}
    with on_core(1), running("benchmarks.fast_server") as server:
        for number in range(rounds):
            for tool in tools if number % 2 == 0 else reversed(tools):
                with on_core(0):
                    seen = tool.run(server.url, Load(users=connections, seconds=seconds))
                if seen.failed or not seen.requests:
                    raise ProcessFailed(f"{tool.name}: {seen.failed} of {seen.requests} requests failed")
                found[tool.name].append(seen.requests / seen.cpu_s)
    return found


def speed_figures(found: Speeds, connections: int) -> list[Figure]:
    """Hold Seawall's speed against each peer's, round by round."""
    figures = []
    ours = np.array(found[SEAWALL.name])
    for name, figures_per_s in found.items():
        theirs = np.array(figures_per_s)
        figure = {"measured": float(np.median(theirs)), "unit": "/s"}
        title = f"{name}, {connections:,} connections: requests a second of one core"
        if name == SEAWALL.name:
            figures.append(Figure(name=title, **figure))  # type: ignore[arg-type]
            continue
        ratio, words = ratio_of(ours / theirs)
        least = ASKED.get(name) if connections == CONNECTIONS else None
        figures.append(
            Figure(
                name=title,
                beside=float(np.median(ours)),
                error=f"{words} times",
                asked=f"Seawall at least {least:g} times" if least else "",
                reached=ratio >= least if least else None,
                **figure,  # type: ignore[arg-type]
            )
        )
    return figures


def ratio_of(ratios: np.ndarray) -> tuple[float, str]:
    """Return the geometric mean of the rounds' *ratios*, and it in words, with its 95 % interval from two rounds on."""
    if len(ratios) == 1:
        return float(ratios[0]), f"{ratios[0]:.2f}"
    mean = geometric_mean(ratios)
    return mean.estimate, f"{mean.estimate:.2f} ({mean.low:.2f} to {mean.high:.2f})"


def paced(users: int, seconds: float) -> tuple[TrialDone, np.ndarray, np.ndarray]:
    """Let *users* send one request a second each; return the trial, and response times and start lags of it, ms."""
    with (
        on_core(1),
        running("benchmarks.fast_server") as server,
        on_core(0),
        tempfile.TemporaryDirectory() as name,
        LoadProcess(server.url, Path(name) / "load.log") as process,
    ):
        trial = TrialLoad(
            name="paced", path="grouped", entity="mixed", users=users, seed=1, directory=name, rate_per_s=1.0,
            warmup_s=WARMUP_S, duration_s=seconds,
        )  # fmt: skip
        done = process.run(trial, lambda _: None)
        ledger = read_ledger(Path(done.ledger))
    judged = ledger.intended_ns >= done.start_ns + WARMUP_S * 1e9
    if not ledger.accepted.all() or len(ledger.sent_ns) != done.planned:
        raise ProcessFailed(f"{int((~ledger.accepted).sum())} of {done.planned} requests failed or were not sent")
    response_ms = (ledger.answered_ns - ledger.intended_ns)[judged] / 1e6
    return done, response_ms, (ledger.sent_ns - ledger.intended_ns)[judged] / 1e6


def paced_figures(users: int, seconds: float) -> list[Figure]:
    """Measure what *users* cost: cores, added latency, memory."""
    few, *_ = paced(FEW_USERS, min(seconds, QUICK_PACED_S))
    done, response_ms, lag_ms = paced(users, seconds)
    cores = done.health.cpu_share
    each_kb = (done.rss_bytes - few.rss_bytes) / (users - FEW_USERS) / 1e3
    added_ms = float(np.quantile(response_ms, 0.99))
    name = f"{users:,} users x 1/s"
    rest = {
        f"p{100 * share:g} of the response time": float(np.quantile(response_ms, share)) for share in (0.5, 0.95, 0.999)
    }
    return [
        Figure(name=f"{name}: cores", measured=cores, asked=f"at most {MOST_CORES:g}", reached=cores <= MOST_CORES),
        Figure(
            name=f"{name}: p99 of the response time, all of it the generator's, the server's and the way's",
            measured=added_ms,
            unit="ms",
            asked=f"at most {MOST_ADDED_MS:g} ms",
            reached=added_ms <= MOST_ADDED_MS,
        ),
        *(Figure(name=f"{name}: {what}", measured=ms, unit="ms") for what, ms in rest.items()),
        Figure(name=f"{name}: p99 of the start lag", measured=float(np.quantile(lag_ms, 0.99)), unit="ms"),
        Figure(
            name=f"{name}: memory of a user",
            measured=each_kb,
            unit="KB",
            asked=f"at most {MOST_USER_KB:g} KB",
            reached=each_kb <= MOST_USER_KB,
        ),
    ]


def main(arguments: Sequence[str]) -> int:
    """Measure speeds and ten thousand users, and return 0 if all that is asked is reached."""
    parser = argument_parser("generator", __doc__)
    parser.add_argument("--rounds", type=int, help=f"of every tool (default {ROUNDS})")
    asked = parser.parse_args(arguments)
    rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    seconds = QUICK_SECONDS if asked.quick else SECONDS
    report = BenchmarkReport(
        benchmark="generator",
        question="how much load does one core make, and what do ten thousand users cost?",
        quick=asked.quick,
        beside_name="Seawall",
    )
    there = [tool for tool in TOOLS if tool.is_there()]
    missing = [tool.name for tool in TOOLS if not tool.is_there()]
    found = speeds(there[:2] if asked.quick else there, CONNECTIONS, rounds, seconds)
    report.figures += speed_figures(found, CONNECTIONS)
    if not asked.quick:
        found = speeds(MANY_TOOLS, MANY_CONNECTIONS, max(2, rounds // 2), seconds)
        report.figures += speed_figures(found, MANY_CONNECTIONS)
    users = min(QUICK_USERS if asked.quick else USERS, _most_users())
    report.figures += paced_figures(users, QUICK_PACED_S if asked.quick else PACED_S)
    report.notes = [
        (
            f"{rounds} rounds of every tool, each on one core and the server on another: medians, and the geometric "
            "mean of the rounds' ratios with its 95 % interval."
        ),
        "Seawall mints ids, checks every answer, records every request and counts it in Locust's statistics.",
    ]
    if missing:
        report.notes.append(f"Not measured, as not installed: {', '.join(missing)}.")
    if users < USERS and not asked.quick:
        report.notes.append(f"Only {users:,} users: the limit of open files (ulimit -Hn) allows no more.")
    return finish(report, as_json=asked.json)


def _most_users() -> int:
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    return USERS if files == resource.RLIM_INFINITY else files - _OTHER_FILES


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
