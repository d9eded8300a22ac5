"""What a trial of `stream analytics` tells: how far results were behind, what they cost, and whether they are right."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from contract.connections import Connections
from contract.windows import WindowResult, window_start
from seawall.audit.feed_audit import first_of_each
from seawall.audit.ledger import NEVER, Int64s, UInt64s
from seawall.audit.statements import StatementCost
from seawall.audit.visibility import Journals
from seawall.audit.windows import Published, differing, published_ns, read_asked, read_published, windows_of_table
from seawall.experiments.analytics_judgement import judged
from seawall.experiments.feed_trial import FeedTrial
from seawall.experiments.figures import cpu_of_database, quantiles_ms
from seawall.experiments.seconds import seconds_of
from seawall.experiments.stream_analytics_options import AnalyticsOptions
from seawall.load.order_feed.plan import LATE, REPEAT, TOO_LATE
from seawall.result import Outcome
from seawall.result.live_analytics import ALONE, LOG, AnalyticsFinding

MARK = "seawall windows"
"""Stands in every query for figures."""


@dataclass(frozen=True)
class Watched:
    """Where a trial's worker has left what it tells, and what its queries cost."""

    directory: Path
    publisher: str
    cost: StatementCost | None
    options: AnalyticsOptions


def analytics_finding(arm: str, ran: FeedTrial, watched: Watched, connections: Connections) -> AnalyticsFinding:
    """Return what one trial found; the worker has ended, and the log is drained. Raises `AuditFailed`."""
    trial, ledger = ran.trial, ran.ledger
    if arm == ALONE:
        return _plain(arm, ran, trial.outcome, list(trial.reasons))
    size_us = round(watched.options.window_s * 1e6)
    published = read_published(connections.redis_url, watched.publisher)
    if arm == LOG:
        left_out = published.too_late
        wrong = differing(published.windows, windows_of_table(connections, size_us, sorted(left_out)))
    else:
        late = _too_late_by_window(ran, size_us)
        left_out, wrong = left_out_silently(
            published.windows, late, lambda ids: windows_of_table(connections, size_us, sorted(ids))
        )
    held_ns, results = _held_ns(arm, ran, watched)
    counted = ~np.isin(ledger.low, _low_of(left_out)) & ledger.acked
    first = ledger.records
    held = counted & (held_ns != NEVER)
    due_ns, behind_ns = ledger.due_ns[first][held], (held_ns - ledger.due_ns[first])[held]
    finding = _plain(arm, ran, Outcome.PASS, [])
    finding = _with(
        finding,
        windows=len(published.windows),
        differing=len(wrong),
        behind_ms=quantiles_ms(behind_ns, int((counted & ~held).sum())),
        course=seconds_of(ledger.start_ns, due_ns, behind_ns),
        results=results,
        **_told(arm, published, trial.audit.stored, len(left_out)),
        queries=None if watched.cost is None else watched.cost.calls,
        query_ms=None if watched.cost is None else round(watched.cost.ms, 3),
        blocks=None if watched.cost is None else watched.cost.blocks,
        worker_cpu_s=trial.cpu_s.get("analytics", 0.0),
    )
    outcome, reasons = judged(
        finding, trial, settled=ran.settled, others_share=ran.others_cores / len(os.sched_getaffinity(0))
    )
    return _with(finding, outcome=outcome, reasons=reasons)


def _plain(arm: str, ran: FeedTrial, outcome: Outcome, reasons: list[str]) -> AnalyticsFinding:
    audit, kind = ran.trial.audit, ran.ledger.kind
    return AnalyticsFinding(
        arm=arm,
        trial=ran.trial.name,
        planted_late=int((kind == LATE).sum()),
        planted_repeated=int((kind == REPEAT).sum()),
        planted_too_late=int((kind == TOO_LATE).sum()),
        database_cpu_s=cpu_of_database(ran.trial.cpu_s),
        acknowledged=audit.acknowledged,
        lost=audit.lost,
        doubled=audit.duplicates,
        pending=audit.pending,
        outcome=outcome,
        reasons=reasons,
    )


def _with(finding: AnalyticsFinding, **changes: object) -> AnalyticsFinding:
    return msgspec.structs.replace(finding, **changes)


def _told(arm: str, published: Published, rows: int, left_out: int) -> dict[str, int]:
    """Return what became of the records: by the consumer's word, or by what the queries could see."""
    if arm == LOG:
        told = published.told
        return {"counted": told.counted, "late": told.late, "repeated": told.repeated, "too_late": told.too_late}
    return {"counted": rows - left_out, "too_late": left_out}


def _held_ns(arm: str, ran: FeedTrial, watched: Watched) -> tuple[Int64s, int]:
    """Return when each record was in a published result, `NEVER` if it was in none, and how many results there were."""
    if arm == LOG:
        journals, log = Journals(watched.directory), ran.ledger.in_log()
        times_ns = journals.visible_ns(log)
        return first_of_each(ran.ledger.low, log, times_ns), len(np.unique(times_ns[times_ns != NEVER]))
    asked = read_asked(watched.directory / f"{watched.publisher}.asked.jsonl")
    return published_ns(ran.fates.visible_ns, asked), len(asked)


def _too_late_by_window(ran: FeedTrial, size_us: int) -> dict[int, list[str]]:
    """Return the ids that were planted as too late, by their windows, in the order in which they became visible."""
    ledger, found = ran.ledger, defaultdict(list)
    for place in np.flatnonzero(ledger.kind == TOO_LATE):
        index = int(ledger.index[place])
        start_us = window_start(int(ledger.event_us[place]), size_us)
        found[start_us].append((int(ran.fates.visible_ns[index]), ledger.identity(index)))
    return {start_us: [identity for _, identity in sorted(rows)] for start_us, rows in found.items()}


def left_out_silently(
    published: Mapping[int, WindowResult],
    late: Mapping[int, Sequence[str]],
    table_without: Callable[[frozenset[str]], Mapping[int, WindowResult]],
) -> tuple[frozenset[str], list[int]]:
    """Return which of the *late* rows queries have left out, and the windows that this does not explain.

    A window is asked for until it is old. So it holds the first of its late rows, by when they became visible, and not
    the rest; how many, the queries do not tell.
    """
    left_out: set[str] = set()
    missing = published.keys() | table_without(frozenset()).keys()
    for held in range(1 + max(map(len, late.values()), default=0)):
        without = frozenset(identity for rows in late.values() for identity in rows[held:])
        table = table_without(without)
        for start_us in sorted(missing):
            if published.get(start_us) == table.get(start_us):
                left_out.update(late.get(start_us, ())[held:])
                missing = missing - {start_us}
    return frozenset(left_out), sorted(missing)


def _low_of(ids: frozenset[str]) -> UInt64s:
    found: UInt64s = np.array([int(one.replace("-", "")[16:], 16) for one in ids], dtype=np.uint64)
    return found
