"""Advice on statements that take the database long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from seawall.advice.evidence import Evidence, length_s
from seawall.result import Advice, AdviceKind, FullScan, PassedOver, SlowStatement, Trial

WORTH = 0.01
"""Of the trial's time, that the database has to have spent on a statement."""
SLOW_MS = 10.0
"""Or so long for each call."""
MOSTLY = 0.5
"""Of a statement's time."""
_KB = 1024
_Slow = TypeVar("_Slow", FullScan, SlowStatement)


def of_statements(found: Evidence) -> Iterator[Advice]:
    """Yield each statement once for each reason, as the trial saw it in which it took most time."""
    for scan, name in _worst(found, lambda trial: trial.full_scans):
        yield _of_full_scan(found, scan, name)
    for slow, name in _worst(found, lambda trial: trial.slow_statements):
        if slow.passed_over is not None:
            yield _of_filter(found, slow, slow.passed_over, name)
        if slow.temp_bytes_per_call:
            yield _of_spill(found, slow, name)
        if slow.waits_ms >= MOSTLY * slow.mean_ms:
            yield _of_waits(found, slow, name)


def _worst(found: Evidence, listed: Callable[[Trial], list[_Slow]]) -> list[tuple[_Slow, str]]:
    worst: dict[str, tuple[_Slow, str]] = {}
    for trial in found.trials:
        seconds = length_s(trial) or 0.0
        for one in listed(trial):
            worth = one.total_ms >= 1_000 * WORTH * seconds or one.mean_ms >= SLOW_MS
            if worth and (one.statement not in worst or one.total_ms > worst[one.statement][0].total_ms):
                worst[one.statement] = one, trial.name
    return list(worst.values())


def _of_full_scan(found: Evidence, scan: FullScan, trial: str) -> Advice:
    help_ = f"An index leads to them: `{scan.index}`. Each write to the table then keeps it up to date, which costs."
    return _advice(
        found,
        scan,
        trial,
        AdviceKind.STATEMENT,
        f"Its plan reads all {scan.table_rows:,} rows of {scan.table} for the {scan.kept_rows:,} or so with"
        f" {scan.condition}.",
        help_ if scan.index else "No ordinary index on a column serves that condition as it stands.",
        {"table_rows": float(scan.table_rows), "kept_rows": float(scan.kept_rows)},
    )


def _of_filter(found: Evidence, slow: SlowStatement, rows: PassedOver, trial: str) -> Advice:
    help_ = (
        f"One that holds both conditions leads to fewer: `{rows.index}`. Each write to the table then keeps it up to"
        " date, which costs."
    )
    return _advice(
        found,
        slow,
        trial,
        AdviceKind.FILTER,
        f"An index led it to {rows.fetched_per_call:,.1f} rows of {rows.table} with {rows.led_by}, and most of them did"
        f" not meet {rows.kept_by}.",
        help_ if rows.index else "No ordinary index on columns serves both conditions as they stand.",
        {"fetched_per_call": rows.fetched_per_call},
    )


def _of_spill(found: Evidence, slow: SlowStatement, trial: str) -> Advice:
    steps = f" by what may be these steps of its plan: {'; '.join(slow.steps)}" if slow.steps else ""
    return _advice(
        found,
        slow,
        trial,
        AdviceKind.SPILL,
        f"It wrote {slow.temp_bytes_per_call / _KB:,.0f} KB to temporary files at each call{steps}.",
        f"A larger work_mem (now {slow.work_mem}) may keep that in memory, if there is so much for every such step of"
        " every connection at once; fewer or shorter rows to sort or hash need less.",
        {"temp_bytes_per_call": slow.temp_bytes_per_call},
    )


def _of_waits(found: Evidence, slow: SlowStatement, trial: str) -> Advice:
    return _advice(
        found,
        slow,
        trial,
        AdviceKind.WAITS,
        f"It waited for files in {slow.waits_ms:.1f} ms of these, {slow.waits_ms / slow.mean_ms:.0%}.",
        "What it reads is not in the database's memory, or what it writes does not stay there: less to read, or more"
        f" memory for what is read often (shared_buffers, now {slow.shared_buffers}), may help.",
        {"waits_ms": slow.waits_ms},
    )


def _advice(
    found: Evidence, slow: FullScan | SlowStatement, trial: str, kind: AdviceKind, says: str, advice: str,
    evidence: dict[str, float],
) -> Advice:  # fmt: skip
    return Advice(
        kind=kind,
        arm=found.arm.name,
        offered_per_s=found.offered_per_s,
        says=(
            f"A statement took {slow.mean_ms:.1f} ms in the database on average, {slow.calls:,} times, and returned"
            f" {slow.rows_per_call:,.1f} rows. {says}"
        ),
        advice=advice,
        evidence={
            "mean_ms": slow.mean_ms,
            "calls": float(slow.calls),
            "total_ms": slow.total_ms,
            "rows_per_call": slow.rows_per_call,
            **evidence,
        },
        details=[slow.statement, *slow.plan],
        trials=[trial],
    )
