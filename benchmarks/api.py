"""How many acknowledged writes a second does the API carry on one core, beside an answer for nothing and a textbook?

Requests divided by the server's processor time, of all its threads, while it is saturated; two servers on one core
by turns of a fifth of a second, as a machine's speed changes by more than what is asked within seconds. Asked
of the `kafka` path: 45 % of what uvicorn can do at all, four times what the documentation of FastAPI and
confluent-kafka leads to, 95 % of what it does without keys and limits, and 97 % of what it does where no requests are
counted for `/metrics`. Then 10,000 connections with a write a second each, where every wake-up counts.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from benchmarks.api_load import ApiSeen, connections_at_most
from benchmarks.api_runs import PATIENT, TURN_S, Contender, Pair, own_stack, running_server, send
from benchmarks.errors import BenchmarkError
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from seawall.stats.trials import geometric_mean

OF_BARE, OF_TEXTBOOK, OF_UNGUARDED, OF_UNCOUNTED = 0.45, 4.0, 0.95, 0.97
MOST_CORES = 0.45
ROUNDS, QUICK_ROUNDS = 6, 2
TURNS, QUICK_TURNS = 20, 2
CONNECTIONS, QUICK_CONNECTIONS = 500, 50
PACED_RATE_PER_S, QUICK_PACED_RATE_PER_S = 10_000, 500
_ENOUGH = 0.99
PACED_SECONDS, QUICK_PACED_SECONDS = 20.0, 1.0

KINDS = {
    "bare": ("bare", "kafka"),
    "textbook": ("textbook", "kafka"),
    "unguarded": ("ours-unguarded", "kafka"),
    "uncounted": ("ours-uncounted", "kafka"),
    "again": ("ours", "kafka"),
    "routed": ("routed", "kafka"),
    "grouped": ("ours", "grouped"),
}
"""For each figure the server that stands beside ours, and its write path."""

NAMES = {
    "bare": "an answer for nothing",
    "textbook": "textbook: FastAPI, pydantic, confluent-kafka",
    "unguarded": "the same without keys and limits",
    "uncounted": "the same where no requests are counted",
    "again": "the very same, which should be 1",
    "routed": "kafka, through FastAPI's router",
    "grouped": "grouped",
}


def figures_of(found: Mapping[str, Pair]) -> list[Figure]:
    """Hold the `kafka` path against its peers, and show the others beside it."""
    asked = {"bare": OF_BARE, "textbook": OF_TEXTBOOK, "unguarded": OF_UNGUARDED, "uncounted": OF_UNCOUNTED}
    figures = []
    for kind, pair in found.items():
        ratio = geometric_mean(pair.ratios)
        limit = asked.get(kind)
        figures.append(
            Figure(
                name=f"kafka, beside {NAMES[kind]}",
                measured=pair.per_core_s(0),
                beside=pair.per_core_s(1),
                unit="/s",
                error=f"{ratio.estimate:.2f} ({ratio.low:.2f} to {ratio.high:.2f})",
                asked="" if limit is None else f"at least {limit:g}",
                reached=None if limit is None else ratio.estimate >= limit,
            )
        )
    return figures


def paced_figures(seen: ApiSeen, rate_per_s: float, *, judged: bool) -> list[Figure]:
    """Return what the paced load cost, and how long its answers took."""
    cores = seen.cpu_s / seen.seconds
    return [
        Figure(
            name=f"cores at {rate_per_s:,.0f}/s, as many connections",
            measured=cores,
            beside=MOST_CORES,
            error=f"{seen.cpu_s / seen.requests * 1e6:.1f} us a request",
            asked=f"at most {MOST_CORES:g}",
            reached=cores <= MOST_CORES and _keeps_up(seen, rate_per_s) if judged else None,
        ),
        *(
            Figure(name=f"the same: {share} from due to answered", measured=milliseconds, unit="ms")
            for share, milliseconds in zip(("p50", "p95", "p99", "p99.9", "longest"), seen.quantiles_ms, strict=True)
        ),
    ]


def _paced(seed: int, *, quick: bool) -> ApiSeen:
    rate_per_s = QUICK_PACED_RATE_PER_S if quick else PACED_RATE_PER_S
    with running_server("ours", **PATIENT) as server:
        return send(
            server,
            "kafka",
            connections=min(rate_per_s, connections_at_most()),
            seconds=QUICK_PACED_SECONDS if quick else PACED_SECONDS,
            rate_per_s=rate_per_s,
            seed=seed,
        )


def _keeps_up(seen: ApiSeen, rate_per_s: float) -> bool:
    return seen.requests >= _ENOUGH * rate_per_s * seen.seconds


def main(arguments: Sequence[str]) -> int:
    """Measure all in turn, print the ratios, and return 0 if what was asked is reached."""
    parser = argument_parser("api", __doc__)
    parser.add_argument("--rounds", type=int, help=f"of all servers in turn (default {ROUNDS})")
    parser.add_argument(
        "--only", default="", help=f"some of {', '.join(KINDS)}, beside ours (default: all, and a paced load)"
    )
    asked = parser.parse_args(arguments)
    if unknown := [kind for kind in asked.only.split(",") if kind not in ("", *KINDS)]:
        raise BenchmarkError(f"--only: unknown {', '.join(unknown)}; known are {', '.join(KINDS)}")
    kinds = [kind for kind in KINDS if not asked.only or kind in asked.only.split(",")]
    rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    turns = QUICK_TURNS if asked.quick else TURNS
    connections = QUICK_CONNECTIONS if asked.quick else CONNECTIONS
    report = BenchmarkReport(
        benchmark="api",
        question="how many writes a second does one core of the API carry?",
        quick=asked.quick,
        beside_name="peer",
    )
    found = {kind: Pair() for kind in kinds}
    with own_stack("bench api"):
        for _ in range(rounds):
            for kind, pair in found.items():
                pair.measure(
                    Contender("ours"), Contender(*KINDS[kind]), connections=connections, turns=turns, seed=asked.seed
                )
        paced = None if asked.only else _paced(asked.seed, quick=asked.quick)
    report.figures = figures_of(found)
    report.notes = [
        (
            f"{rounds} rounds, each with both servers started anew, of {turns} turns of {TURN_S:g} s each in the order"
            f" A B B A; {connections:,} connections that send as fast as they are answered, entities in turn: medians"
            " of the rounds, and the geometric mean of their ratios with its 95 % interval."
        ),
        "Server: core 0. Load: the last core. Used of the server's core in its turns: "
        + ", ".join(f"{NAMES[kind]} {pair.busy(1):.0%} (kafka {pair.busy(0):.0%})" for kind, pair in found.items())
        + ".",
    ]
    if paced is not None:
        rate_per_s = QUICK_PACED_RATE_PER_S if asked.quick else PACED_RATE_PER_S
        report.figures += paced_figures(paced, rate_per_s, judged=not asked.quick)
        if not _keeps_up(paced, rate_per_s):
            report.notes.append(f"Of {rate_per_s:,}/s only {paced.requests / paced.seconds:,.0f}/s were answered.")
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
