"""What `stream analytics` concludes: live figures by a consumer of the log, and by queries on the table."""

from __future__ import annotations

import msgspec

from seawall.result.outcome import Outcome, Quantiles
from seawall.result.second import Second

ANALYTICS = "stream-analytics"
"""The experiment."""
ALONE, LOG, QUERIES = "storing alone", "consumer", "queries"
"""The arms: nobody makes figures, a consumer of the log does, or queries on the table do."""


class AnalyticsFinding(msgspec.Struct, kw_only=True, frozen=True):
    """One way to live figures under one feed."""

    arm: str
    trial: str
    """The trial's name."""
    windows: int = 0
    """That were published."""
    differing: int = 0
    """Of these, windows whose published figures are not those of the table, once all was drained."""
    behind_ms: Quantiles = Quantiles()
    """From the moment at which a record was due until a published result held it; of all that were counted."""
    results: int = 0
    """How often results were published."""
    counted: int = 0
    late: int = 0
    """Of these, records of a window that had ended, within the allowed lateness."""
    repeated: int = 0
    """Messages whose record was known already."""
    too_late: int = 0
    """Records of a window that was closed: told, and not counted."""
    planted_late: int = 0
    planted_repeated: int = 0
    planted_too_late: int = 0
    """What the feed sent of each on purpose."""
    queries: int | None = None
    """For figures; None where the database does not tell."""
    query_ms: float | None = None
    """Spent on these, by the database's own account."""
    blocks: int | None = None
    """Pages of 8 KiB that these read."""
    database_cpu_s: float = 0.0
    """Of the whole database in the trial, storing included."""
    worker_cpu_s: float = 0.0
    """Of the process that makes the figures, or asks for them."""
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    pending: int = 0
    outcome: Outcome
    reasons: list[str] = []
    course: list[Second] = []
    """How far results were behind, by when records were due; seconds of which nothing was counted are left out."""
