"""Results in which something was planted, or nothing."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.result import (
    Arm,
    AuditCounts,
    LagFigures,
    LogFigures,
    LookupFigures,
    LookupKind,
    Outcome,
    Quantiles,
    Result,
    SpreadFigures,
    Trial,
)

RATE, SECONDS = 2_000.0, 10.0
SETTINGS = {"kafka": {"topics": {"seawall.users": {"partitions": 3}}}}
LOG = LogFigures(
    records=20_000, requests=7_400, records_per_request=2.7, bytes_per_record=330.0, fetches=800,
    records_per_fetch=25.0, rows_per_batch=40.0, linger_ms=10.0, batch_bytes=1_000_000,
)  # fmt: skip
LAG = LagFigures(maximum=60, partition_maximum={"seawall.users[0]": 12, "seawall.users[1]": 9}, slope_per_s=0.1,
                 slope_low=-0.5, slope_high=0.6)  # fmt: skip
USERS = LookupKind(lookups=20_000, hits=19_700, fetched=290, there=1_000, lives_s=330.0)
CORES = {"api": 0.3, "sink-1": 0.07, "kafka-1": 0.35, "postgres": 0.05, "load": 0.2}


def trial(**planted: Any) -> Trial:
    """Return a healthy trial of the path kafka but for what is *planted*."""
    log, lag, kind = (planted.pop(name, {}) for name in ("log", "lag", "kind"))
    kinds = {planted.pop("of", "users"): msgspec.structs.replace(USERS, **kind)}
    known: dict[str, Any] = {
        "name": "load-kafka-0a", "kind": "load", "arm": "kafka", "block": 0, "entity": "mixed", "started_at": "",
        "users": 200, "warmup_s": 0.0, "offered_per_s": RATE, "achieved_per_s": RATE, "requests": 20_000,
        "duration_s": SECONDS, "response_ms": Quantiles(p50=9.6, p95=14.0), "service_ms": Quantiles(p50=9.5),
        "visible_ms": Quantiles(p50=39.0), "log": msgspec.structs.replace(LOG, **log),
        "lag": msgspec.structs.replace(LAG, **lag), "cores": CORES, "spread": SpreadFigures(fullest=1.04),
        "audit": AuditCounts(attempted=20_000, acknowledged=20_000, stored=20_000),
        "lookups": LookupFigures(lookups=20_000, anew=0, queries=100, kinds=kinds),
    }  # fmt: skip
    return Trial(**{**known, **planted})


def result(*trials: Trial, **fields: Any) -> Result:
    """Return a run of these *trials*, or of a healthy one; *fields* are further ones of the result."""
    arms = fields.pop("arms", [Arm(name="kafka", path="kafka", durability="1 broker, page cache", settings=SETTINGS)])
    known: dict[str, Any] = {
        "experiment": "compare", "started_at": "2026-11-20T10:00:00+00:00", "finished_at": "", "seed": 1,
        "outcome": Outcome.PASS,
    }  # fmt: skip
    return Result(**{**known, **fields}, arms=arms, trials=list(trials) or [trial()])
