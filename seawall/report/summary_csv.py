"""`summary.csv`: one line a trial, for spreadsheets; the first eight columns stay as they are for ever."""

from __future__ import annotations

import csv
from pathlib import Path

from seawall.report.compare_tables import kafka_status
from seawall.result import Result, Trial

COLUMNS = (
    "timestamp", "entity", "count", "kafka_status", "success", "failed", "duration", "tps",
    "trial", "kind", "arm", "path", "durability", "block", "users", "offered_per_s", "achieved_per_s",
    "response_p50_ms", "response_p95_ms", "response_p99_ms", "response_mean_ms", "visible_p95_ms",
    "status_4xx", "status_5xx", "no_answer", "unsent", "drain_s", "cpu_s_per_1000_rows",
    "attempted", "acknowledged", "stored", "dead_lettered", "pending", "lost", "phantom", "duplicates", "corrupted",
    "unknown", "outcome",
)  # fmt: skip


def write_summary(result: Result, path: Path) -> None:
    """Write the file; it appears only when it is whole."""
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(_line(result, trial) for trial in result.trials)
    partial.replace(path)


def _line(result: Result, trial: Trial) -> dict[str, object]:
    arm = result.arm(trial.arm)
    asked = trial.count if trial.kind == "data" else trial.audit.attempted
    audit = {name: getattr(trial.audit, name) for name in COLUMNS if name in trial.audit.__struct_fields__}
    if not trial.audited:  # empty, where zeros would look like a clean audit
        audit = dict.fromkeys(audit)
    return {
        "timestamp": trial.started_at,
        "entity": trial.entity,
        "count": asked,
        "kafka_status": kafka_status(arm.path),
        "success": trial.audit.stored if trial.audited else trial.requests + trial.unsent - trial.failed,
        "failed": max(0, (asked or 0) - trial.audit.stored) if trial.audited else trial.failed,
        "duration": trial.duration_s,
        "tps": trial.achieved_per_s,
        "trial": trial.name,
        "kind": trial.kind,
        "arm": arm.name,
        "path": arm.path,
        "durability": arm.durability,
        "block": trial.block,
        "users": trial.users,
        "offered_per_s": trial.offered_per_s,
        "achieved_per_s": trial.achieved_per_s,
        "response_p50_ms": trial.response_ms.p50,
        "response_p95_ms": trial.response_ms.p95,
        "response_p99_ms": trial.response_ms.p99,
        "response_mean_ms": trial.response_ms.mean,
        "visible_p95_ms": trial.visible_ms.p95,
        "status_4xx": trial.status_4xx,
        "status_5xx": trial.status_5xx,
        "no_answer": trial.no_answer,
        "unsent": trial.unsent,
        "drain_s": trial.drain_s,
        "cpu_s_per_1000_rows": trial.cpu_s_per_1000_rows,
        **audit,
        "outcome": trial.outcome.value,
    }
