"""Advice on statements that read large tables as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.advice.evidence import Evidence, length_s
from seawall.result import Advice, AdviceKind, FullScan

WORTH = 0.01
"""Of the trial's time, that the database has to have spent on a statement."""
SLOW_MS = 10.0
"""Or so long for each call."""


def of_statements(found: Evidence) -> Iterator[Advice]:
    """Yield each statement once, as the trial saw it in which it took most time."""
    worst: dict[str, tuple[FullScan, str]] = {}
    for trial in found.trials:
        seconds = length_s(trial) or 0.0
        for scan in trial.full_scans:
            worth = scan.total_ms >= 1_000 * WORTH * seconds or scan.mean_ms >= SLOW_MS
            if worth and (scan.statement not in worst or scan.total_ms > worst[scan.statement][0].total_ms):
                worst[scan.statement] = scan, trial.name
    for scan, name in worst.values():
        help_ = (
            f"An index leads to them: `{scan.index}`. Each write to the table then keeps it up to date, which costs."
        )
        yield Advice(
            kind=AdviceKind.STATEMENT,
            arm=found.arm.name,
            offered_per_s=found.offered_per_s,
            says=(
                f"A statement took {scan.mean_ms:.1f} ms in the database on average, {scan.calls:,} times, and returned"
                f" {scan.rows_per_call:,.1f} rows. Its plan reads all {scan.table_rows:,} rows of {scan.table} for the"
                f" {scan.kept_rows:,} or so with {scan.condition}."
            ),
            advice=help_ if scan.index else "No ordinary index on a column serves that condition as it stands.",
            evidence={
                "mean_ms": scan.mean_ms,
                "calls": float(scan.calls),
                "total_ms": scan.total_ms,
                "rows_per_call": scan.rows_per_call,
                "table_rows": float(scan.table_rows),
                "kept_rows": float(scan.kept_rows),
            },
            details=[scan.statement, *scan.plan],
            trials=[name],
        )
