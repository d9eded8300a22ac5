"""What does tracing cost the API: switched off, there but of no request, of one in a hundred, of each?

Acknowledged writes by `kafka` for a second of the server's processor time, of all its threads, those that send traces
included, as in `benchmarks.api`. Asked is that tracing which is there and traces nothing costs at most 2 %, and one
request of a hundred at most 7 %.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.api_runs import TURN_S, Contender, Pair, own_stack
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from benchmarks.server_process import running
from seawall.observe.trace_file import read_traces
from seawall.stats.trials import geometric_mean

ROUNDS, QUICK_ROUNDS = 6, 2
TURNS, QUICK_TURNS = 40, 2
"""Traces are sent by hundreds, so there have to be many of these."""
CONNECTIONS, QUICK_CONNECTIONS = 500, 50

OFF = "switched off"
SHARES = {"there, of no request": 0.0, "of one request in a hundred": 0.01, "of each request": 1.0}
ASKED = {"there, of no request": 0.98, "of one request in a hundred": 0.93}


def figures_of(found: Mapping[str, Pair]) -> list[Figure]:
    """Hold each kind of tracing against none."""
    figures = []
    for kind, pair in found.items():
        ratio = geometric_mean(pair.ratios)
        limit = ASKED.get(kind)
        figures.append(
            Figure(
                name=f"kafka, traced: {kind}",
                measured=pair.per_core_s(0),
                beside=pair.per_core_s(1),
                unit="/s",
                error=f"{ratio.estimate:.2f} ({ratio.low:.2f} to {ratio.high:.2f})",
                asked="" if limit is None else f"at least {limit:g}",
                reached=None if limit is None else ratio.estimate >= limit,
            )
        )
    return figures


def main(arguments: Sequence[str]) -> int:
    """Measure all in turn, print the ratios, and return 0 if what was asked is reached."""
    parser = argument_parser("tracing", __doc__)
    parser.add_argument("--rounds", type=int, help=f"of all kinds in turn (default {ROUNDS})")
    asked = parser.parse_args(arguments)
    rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    turns = QUICK_TURNS if asked.quick else TURNS
    connections = QUICK_CONNECTIONS if asked.quick else CONNECTIONS
    report = BenchmarkReport(
        benchmark="tracing", question="what does tracing cost the API?", quick=asked.quick, beside_name=OFF
    )
    found = {kind: Pair() for kind in SHARES}
    with own_stack("bench tracing"), tempfile.TemporaryDirectory() as directory, ExitStack() as held:
        file = Path(directory) / "traces.jsonl"
        receiver = held.enter_context(running("seawall.observe.trace_receiver", "--file", str(file)))
        there = {"OTEL_SDK_DISABLED": "false", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
        off = Contender("ours", settings={"OTEL_SDK_DISABLED": "true"})
        for _ in range(rounds):
            for kind, pair in found.items():
                traced = Contender("ours", settings={**there, "SEAWALL_TRACE_SHARE": str(SHARES[kind])})
                pair.measure(traced, off, connections=connections, turns=turns, seed=asked.seed)
        kept = len(read_traces(file))
    report.figures = figures_of(found)
    report.notes = [
        (
            f"{rounds} rounds, each with both servers started anew, of {turns} turns of {TURN_S:g} s each in the order"
            f" A B B A; {connections:,} connections that send as fast as they are answered: medians"
            " of the rounds, and the geometric mean of their ratios with its 95 % interval."
        ),
        f"{kept:,} traces came; where each request is traced, most find the queue full and are dropped.",
        "Used of the server's core in its turns: "
        + ", ".join(f"{kind} {pair.busy(0):.0%} (off {pair.busy(1):.0%})" for kind, pair in found.items())
        + ".",
    ]
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
