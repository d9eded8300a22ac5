"""What does recording every request cost of the generator's rate? At most 5 %.

The generator runs a closed loop as fast as it can against a server that is faster than it, in pairs, with the recorder
and without. What a pair costs more is one figure; the interval of their geometric mean must end below the limit.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence

import msgspec
import numpy as np

from benchmarks.errors import ProcessFailed
from benchmarks.recording_run import RecordingRun
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from benchmarks.server_process import running
from seawall.stats.trials import geometric_mean

MOST = 1.05
PAIRS, QUICK_PAIRS = 32, 2
RECORDS, QUICK_RECORDS = 10_000, 600
"""A run; each ends with one file, as a distributed generator writes one every few seconds."""

USERS = 50


def measure(url: str, records: int, pairs: int, seed: int) -> list[RecordingRun]:
    """Run the generator and return its runs, without the warm-up."""
    with tempfile.TemporaryDirectory() as directory:
        asked = [url, records, pairs, USERS, seed, directory]
        done = subprocess.run(
            [sys.executable, "-P", "-m", "benchmarks.recording_load", *map(str, asked)],
            stdout=subprocess.PIPE,
            check=False,
        )
    if done.returncode:
        raise ProcessFailed(f"the generator ended with code {done.returncode}; what it said stands above")
    runs = [msgspec.json.decode(line, type=RecordingRun) for line in done.stdout.splitlines()]
    for run in runs:
        if run.failed or run.requests != records:
            raise ProcessFailed(f"of {records} requests {run.requests} were sent and {run.failed} failed: run it again")
    return [run for run in runs if run.pair]


def cost(name: str, unit: str, with_it: list[float], without: list[float], *, judged: bool) -> Figure:
    """Compare one figure of both arms, pair by pair; a ratio above 1 is a cost."""
    ratio = geometric_mean(np.array(with_it) / np.array(without))
    return Figure(
        name=name,
        measured=float(np.median(with_it)),
        beside=float(np.median(without)),
        unit=unit,
        error=f"{ratio.estimate:.3f} ({ratio.low:.3f} to {ratio.high:.3f})",
        asked=f"at most {MOST:g}, its interval included" if judged else "",
        reached=ratio.high <= MOST if judged else None,
    )


def main(arguments: Sequence[str]) -> int:
    """Measure in pairs, print the ratios, and return 0 if recording costs at most 5 %."""
    parser = argument_parser("recording", __doc__)
    parser.add_argument("--pairs", type=int, help=f"of runs with and without the recorder (default {PAIRS})")
    asked = parser.parse_args(arguments)
    pairs = asked.pairs or (QUICK_PAIRS if asked.quick else PAIRS)
    records = QUICK_RECORDS if asked.quick else RECORDS
    report = BenchmarkReport(
        benchmark="recording",
        question="what does keeping every request cost the generator?",
        quick=asked.quick,
        beside_name="not recorded",
    )
    with running("benchmarks.fast_server") as server:
        runs = measure(server.url, records, pairs, asked.seed)
    arms = [[run for run in runs if run.recorded == recorded] for recorded in (True, False)]
    cpu_us = [[run.cpu_s / run.requests * 1e6 for run in arm] for arm in arms]
    elapsed_us = [[run.elapsed_s / run.requests * 1e6 for run in arm] for arm in arms]
    report.figures = [
        cost("processor time a request", "us", *cpu_us, judged=True),
        cost("time a request, at full speed", "us", *elapsed_us, judged=False),
    ]
    report.notes = [
        (
            f"{pairs} pairs in the order A B B A, {records:,} requests a run by {USERS} users: medians, and "
            "the geometric mean of the pairs' ratios with its 95 % interval."
        ),
        (
            "At full speed the generator is bound by its processor, so its processor time tells what recording takes "
            "of its rate; the time that passes tells the same with the machine's noise."
        ),
    ]
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
