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

import numpy as np

from benchmarks.api_runs import PATIENT, Runs, own_stack, running_server, send
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from benchmarks.server_process import running
from seawall.observe.trace_file import read_traces
from seawall.stats.trials import geometric_mean

ROUNDS, QUICK_ROUNDS = 8, 2
SECONDS, QUICK_SECONDS = 3.0, 0.3
CONNECTIONS, QUICK_CONNECTIONS = 500, 50

OFF = "switched off"
SHARES = {"there, of no request": 0.0, "of one request in a hundred": 0.01, "of each request": 1.0}
ASKED = {"there, of no request": 0.98, "of one request in a hundred": 0.93}


def figures_of(found: Mapping[str, Runs]) -> list[Figure]:
    """Hold each kind of tracing against none, pair by pair."""
    off = found[OFF]
    figures = []
    for kind in SHARES:
        ratio = geometric_mean(np.array(found[kind].per_core_s) / np.array(off.per_core_s))
        limit = ASKED.get(kind)
        figures.append(
            Figure(
                name=f"kafka, traced: {kind}",
                measured=found[kind].median_per_core_s,
                beside=off.median_per_core_s,
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
    seconds = QUICK_SECONDS if asked.quick else SECONDS
    connections = QUICK_CONNECTIONS if asked.quick else CONNECTIONS
    report = BenchmarkReport(
        benchmark="tracing", question="what does tracing cost the API?", quick=asked.quick, beside_name=OFF
    )
    found = {kind: Runs() for kind in (OFF, *SHARES)}
    with own_stack("bench tracing"), tempfile.TemporaryDirectory() as directory, ExitStack() as held:
        file = Path(directory) / "traces.jsonl"
        receiver = held.enter_context(running("seawall.observe.trace_receiver", "--file", str(file)))
        settings = {OFF: {"OTEL_SDK_DISABLED": "true"}} | {
            kind: {
                "OTEL_SDK_DISABLED": "false",
                "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
                "SEAWALL_TRACE_SHARE": str(share),
            }
            for kind, share in SHARES.items()
        }
        for number in range(rounds):
            for kind in settings if number % 2 == 0 else reversed(settings):
                with running_server("ours", **settings[kind], **PATIENT) as server:
                    found[kind].add(send(server, "kafka", connections=connections, seconds=seconds, seed=asked.seed))
        kept = len(read_traces(file))
    report.figures = figures_of(found)
    report.notes = [
        (
            f"{rounds} rounds of {seconds:g} s each in the order A B .. B A, every server started anew, and "
            f"{connections:,} connections that send as fast as they are answered: medians, and the "
            "geometric mean of the rounds' ratios with its 95 % interval."
        ),
        f"{kept:,} traces came; where each request is traced, most find the queue full and are dropped.",
        "Used of the server's core: " + ", ".join(f"{kind} {runs.busy:.0%}" for kind, runs in found.items()) + ".",
    ]
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
