"""Is the report of a run with ten million requests written in 20 s and 1 GB, and its page below 2 MB?

Ledgers of three arms, four trials each, are written as the recorder writes them, with the fates that an audit leaves
beside them; the report is then made in a process of its own, as `bin/seawall report` makes it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.errors import ProcessFailed
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from benchmarks.report_page_run import ReportRun
from contract.entities import ENTITIES
from contract.ids import Run
from contract.samples import AS_DRAWN
from seawall.audit.fates import write_fates
from seawall.load.parts import Columns, PartFiles
from seawall.result import Arm, AuditCounts, Outcome, Quantiles, Result, Trial, write_result
from seawall.stack import places

REQUESTS, QUICK_REQUESTS = 10_000_000, 240_000
MOST_S, MOST_BYTES, MOST_PAGE_BYTES = 20.0, 2**30, 2 * 10**6
ARMS = {"sync": "fsync", "grouped": "fsync", "kafka": "1 broker, page cache"}
TRIALS = 4
START_NS = 10**12
USERS = 10_000
STEP_NS = 100_000
"""Between two requests: 10,000 a second."""
_PART_ROWS, _PARTITIONS = 100_000, 3
_WARMUP_S = 3.0
_LATE_MS = {"sync": (0.0, 0.0), "grouped": (0.0, 0.0), "kafka": (5.0, 40.0)}
"""How long after the answer a row becomes visible, at least and at most."""


def make_run(directory: Path, requests: int, seed: int) -> None:
    """Write a run of that many *requests* into *directory*: its result and the columns of all its trials."""
    rng = np.random.default_rng(seed)
    each = requests // (len(ARMS) * TRIALS)
    trials = [_make_trial(directory, f"load-{arm}-{n}", arm, each, rng) for n in range(TRIALS) for arm in ARMS]
    result = Result(
        experiment="compare", started_at="", finished_at="", seed=seed, outcome=Outcome.PASS, trials=trials,
        arms=[Arm(name=name, path=name, durability=durability) for name, durability in ARMS.items()],
        verdicts=dict.fromkeys(ARMS, Outcome.PASS),
    )  # fmt: skip
    write_result(result, directory / "result.json")


def _make_trial(directory: Path, name: str, arm: str, requests: int, rng: np.random.Generator) -> Trial:
    ledger = directory / "raw" / f"{name}.parquet"
    ledger.mkdir(parents=True)
    files = PartFiles(ledger, Run(1_800_000_000_000, 9), 1, AS_DRAWN)
    visible_ns = np.empty(requests, dtype=np.int64)
    for first in range(0, requests, _PART_ROWS):
        number = np.arange(first, min(first + _PART_ROWS, requests), dtype=np.int64)
        intended_ns = START_NS + number * STEP_NS
        sent_ns = intended_ns + rng.integers(20_000, 400_000, len(number))
        answered_ns = sent_ns + (rng.lognormal(1.0, 0.7, len(number)) * 1e6).astype(np.int64)
        low, high = _LATE_MS[arm]
        late_ns = (rng.uniform(low, high, len(number)) * 1e6).astype(np.int64)
        visible_ns[first : first + len(number)] = answered_ns + late_ns
        columns: Columns = {
            "user": (number % USERS).astype(np.uint32),
            "sequence": (number // USERS + 1).astype(np.uint32),
            "entity": np.full(len(number), ENTITIES["users"].number, dtype=np.uint8),
            "endpoint": np.zeros(len(number), dtype=np.uint8),
            "intended_ns": intended_ns,
            "sent_ns": sent_ns,
            "answered_ns": answered_ns,
            "status": np.full(len(number), 201, dtype=np.uint16),
        }
        files.write(columns, ["/v1/users"])
    files.close()
    write_fates(ledger, visible_ns, (np.arange(requests) % _PARTITIONS).astype(np.int16))
    duration_s = max(1.0, requests * STEP_NS / 1e9 - _WARMUP_S)
    return Trial(
        name=name, kind="load", arm=arm, block=0, entity="users", started_at="", users=USERS, duration_s=duration_s,
        warmup_s=_WARMUP_S, schedule_start_ns=START_NS, offered_per_s=1e9 / STEP_NS, achieved_per_s=1e9 / STEP_NS,
        requests=requests, response_ms=Quantiles(p50=2.9, p95=8.8, p99=14.1, samples=requests),
        visible_ms=Quantiles(p50=2.9, p95=8.8, p99=14.1, samples=requests),
        audit=AuditCounts(attempted=requests, acknowledged=requests, stored=requests),
    )  # fmt: skip


def report_of(directory: Path) -> ReportRun:
    """Write the report of *directory* in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "benchmarks.report_page_run", str(directory)], stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        raise ProcessFailed(f"the report ended with code {done.returncode}; what it said stands above")
    return msgspec.json.decode(done.stdout, type=ReportRun)


def figures(run: ReportRun, page_bytes: int, *, judged: bool) -> list[Figure]:
    """Return time, memory and the page's size, each beside its limit."""
    rows = (
        ("time of the report", run.seconds, MOST_S, "s", f"{MOST_S:g} s", judged),
        ("memory at its highest", run.peak_bytes / 2**20, MOST_BYTES / 2**20, "MB", "1 GB", judged),
        ("size of the page", page_bytes / 1e6, MOST_PAGE_BYTES / 1e6, "MB", "2 MB", True),
    )
    return [
        Figure(
            name=name, measured=measured, unit=unit, beside=most, error=f"{measured / most:.2f} of it",
            asked=f"at most {words}", reached=measured <= most if asked else None,
        )
        for name, measured, most, unit, words, asked in rows
    ]  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Make the run, write its report, print time, memory and size, and return 0 if they keep to their limits."""
    parser = argument_parser("report_page", __doc__)
    parser.add_argument("--requests", type=int, help=f"of all trials together (default {REQUESTS:,})")
    asked = parser.parse_args(arguments)
    requests = asked.requests or (QUICK_REQUESTS if asked.quick else REQUESTS)
    report = BenchmarkReport(
        benchmark="report_page",
        question=f"how long does the report of {requests:,} requests take, and how much memory?",
        quick=asked.quick,
        beside_name="limit",
    )
    home = places.home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="bench-report-") as name:
        make_run(Path(name), requests, asked.seed)
        run = report_of(Path(name))
        page_bytes = (Path(name) / "report.html").stat().st_size
    judged = requests >= REQUESTS
    report.figures += figures(run, page_bytes, judged=judged)
    report.notes.append(f"{len(ARMS)} arms, {TRIALS} trials each; {run.cpu_s:.1f} s of CPU.")
    if not judged:
        report.notes.append(f"Time and memory are judged from {REQUESTS:,} requests on.")
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
