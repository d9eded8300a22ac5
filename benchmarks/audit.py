"""Are ten million records reconciled in a minute and 2 GB, and is each planted fault named by its id?

A ledger in Parquet, rows in PostgreSQL, a log in Kafka and a sink's journal are made for as many records, with a few
faults among them. Then the audit runs in a process of its own, as it does after a trial. Its memory is that of this
process; the servers have theirs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.audit_data import AuditData, make_data
from benchmarks.audit_run import AuditRun, Phase
from benchmarks.errors import ProcessFailed
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from seawall.stack import places
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

RECORDS, QUICK_RECORDS = 10_000_000, 300_000
MOST_S, MOST_BYTES = 60.0, 2 * 2**30


def audit(data: AuditData, environment: dict[str, str]) -> AuditRun:
    """Reconcile *data* in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "benchmarks.audit_run"],
        input=msgspec.json.encode(data),
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        check=False,
    )
    if done.returncode:
        raise ProcessFailed(f"the audit ended with code {done.returncode}; what it said stands above")
    return msgspec.json.decode(done.stdout, type=AuditRun)


def figures(data: AuditData, run: AuditRun, *, judged: bool) -> list[Figure]:
    """Return time and memory of each phase, what both come to, and whether every planted id was named."""
    seconds = sum(phase.seconds for phase in run.phases)
    peak_bytes = max(phase.peak_bytes for phase in run.phases)
    named = sum(run.examples.get(name, []) == ids for name, ids in data.planted.items())
    unplanted = sorted(set(run.violations) - set(data.planted))
    return [
        *(_phase(phase) for phase in run.phases),
        Figure(
            name="time of the whole audit",
            measured=seconds,
            unit="s",
            beside=MOST_S,
            error=f"{seconds / MOST_S:.2f} of it",
            asked=f"at most {MOST_S:g} s",
            reached=seconds <= MOST_S if judged else None,
        ),
        Figure(
            name="memory at its highest",
            measured=peak_bytes / 2**20,
            unit="MB",
            beside=MOST_BYTES / 2**20,
            error=f"{peak_bytes / MOST_BYTES:.2f} of it",
            asked="at most 2 GB",
            reached=peak_bytes <= MOST_BYTES if judged else None,
        ),
        Figure(
            name="classes whose planted ids are all named, and no other",
            measured=named,
            beside=len(data.planted),
            error=f"found without being planted: {', '.join(unplanted)}" if unplanted else "",
            asked="all",
            reached=named == len(data.planted) and not unplanted,
        ),
    ]


def _phase(phase: Phase) -> Figure:
    return Figure(
        name=phase.name,
        measured=phase.seconds,
        unit="s",
        error=f"{phase.cpu_s:.1f} s of CPU, {phase.peak_bytes / 2**20:,.0f} MB at its highest",
    )


def main(arguments: Sequence[str]) -> int:
    """Make the data, audit it, print time and memory, and return 0 if all was found within the limits."""
    parser = argument_parser("audit", __doc__)
    parser.add_argument("--records", type=int, help=f"to be reconciled (default {RECORDS:,})")
    asked = parser.parse_args(arguments)
    records = asked.records or (QUICK_RECORDS if asked.quick else RECORDS)
    report = BenchmarkReport(
        benchmark="audit",
        question=f"how long does the audit of {records:,} records take, and how much memory?",
        quick=asked.quick,
        beside_name="limit",
    )
    home = places.home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="bench-audit-") as directory:
        # A stack of its own, without a sink: nothing but the planted faults should happen to the records.
        os.environ["SEAWALL_HOME"] = str(Path(directory) / "home")
        stack = Stack.up(StackOptions(sinks=0), owner="bench audit")
        try:
            data = make_data(stack.connections, Path(directory), records, asked.seed)
            run = audit(data, stack.connections.environment())
        finally:
            stack.down()
    judged = records >= RECORDS
    report.figures += figures(data, run, judged=judged)
    report.notes.append(
        "planted: "
        + ", ".join(f"{len(ids)} {name.replace('_', ' ')}" for name, ids in data.planted.items())
        + f"; the audit counted {run.counts.attempted:,} sent, {run.counts.stored:,} stored."
    )
    if not judged:
        report.notes.append(f"Time and memory are judged from {RECORDS:,} records on.")
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
