"""Live figures by a consumer of the log and by queries, in words and tables."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.answer_form import Answer
from seawall.report.figure_table import FigureRow, FigureTable
from seawall.report.figures import NOTHING, figure
from seawall.result import Outcome, Result
from seawall.result.live_analytics import ALONE, LOG, QUERIES, AnalyticsFinding

NEVER_MEASURED = (
    "Other rates, sizes of windows and tables: what a query costs grows with the rows of its windows.",
    "How much runs differ: there was one trial each.",
    "A group of several processes, whose windows would have to be put together.",
    "Faults: what happens when the consumer, the cache or the database dies meanwhile.",
)
"""What such a run leaves open, whatever it found."""


def _question(result: Result) -> str:
    options = result.options
    return (
        f"How far behind are figures by windows of {options.get('window_s', 0.0):g} s at"
        f" {options.get('rate_per_s', 0.0):,.0f} orders a second, and what do they cost the database?"
    )


def analytics_answer(result: Result) -> Answer:
    """Return how far behind figures were, and what the log gave and cost."""
    found = {finding.arm: finding for finding in result.live_analytics}
    doubts = [f"{reason.rstrip('.')}." for reason in result.reasons]
    if not found:
        return Answer(
            _question(result), "Nothing was measured", "The run ended before its first trial did.", [], doubts
        )
    said = "; ".join(f"{arm}: {in_words(finding)}" for arm, finding in found.items())
    return Answer(_question(result), _word(result, found.get(LOG)), f"{said}.", list(_gain_and_cost(found)), doubts)


def _word(result: Result, log: AnalyticsFinding | None) -> str:
    if result.outcome is Outcome.FAIL:
        return "Not all of it is right and in time"
    if log is None or log.behind_ms.max is None or result.outcome is not Outcome.PASS:
        return "This run does not tell"
    return f"At most {log.behind_ms.max:,.0f} ms behind, and right"


def _gain_and_cost(found: dict[str, AnalyticsFinding]) -> Iterator[str]:
    log, queries, alone = found.get(LOG), found.get(QUERIES), found.get(ALONE)
    if log is None or queries is None:
        yield "What the log gave and cost is not told: that takes both the consumer and the queries."
        return
    spent = f", {figure(queries.query_ms)} ms in the database, {queries.blocks or 0:,} pages" if queries.queries else ""
    yield (
        f"What the log gave: figures without a query. Queries of the same freshness asked the table"
        f" {queries.queries or queries.results:,} times{spent}."
    )
    base = "" if alone is None else f", {figure(alone.database_cpu_s)} with nobody asking"
    yield (
        f"What it cost: a process of {figure(log.worker_cpu_s)} processor seconds, against"
        f" {figure(queries.worker_cpu_s)} of the one that asks. The database took {figure(log.database_cpu_s)} beside"
        f" the consumer and {figure(queries.database_cpu_s)} beside the queries{base}."
    )


def in_words(finding: AnalyticsFinding) -> str:
    """Return in a line what one way to live figures came to."""
    why = f": {'; '.join(finding.reasons)}" if finding.reasons else ""
    if finding.arm == ALONE:
        return f"{finding.acknowledged:,} records stored, {finding.lost:,} lost{why}"
    if not finding.results:
        return f"no result{why}"
    equal = "all equal to the table's" if not finding.differing else f"{finding.differing:,} not the table's"
    return (
        f"p95 {figure(finding.behind_ms.p95)} ms and at most {figure(finding.behind_ms.max)} ms behind,"
        f" {finding.windows:,} windows, {equal}{why}"
    )


def analytics_tables(result: Result) -> Iterator[FigureTable]:
    """Yield the table of all ways to live figures, and that of what became of late and repeated records."""
    if not result.live_analytics:
        return
    yield FigureTable(
        title="Live figures: how far behind, and what they cost",
        caption="behind: from the moment at which a record was due until a published result held it; equal: windows"
        " that are those of the table once all was drained; queries: those for figures, by the database's own account",
        columns=(
            "figures by", "p50 ms", "p95 ms", "most ms", "results", "equal", "queries", "query ms", "pages",
            "database CPU s", "worker CPU s",
        ),
        rows=[FigureRow(cells=_costs(one), outcome=one.outcome) for one in result.live_analytics],
    )  # fmt: skip
    told = [one for one in result.live_analytics if one.arm != ALONE]
    if told:
        yield FigureTable(
            title="Late and repeated records",
            caption="what the feed sent so on purpose, and what became of it: the consumer tells; what queries left out"
            " was found by comparison alone",
            columns=(
                "figures by", "counted", "sent out of order", "after their window's end", "sent again",
                "known already", "sent too late", "left out as too late", "lost", "doubled",
            ),
            rows=[FigureRow(cells=_planted(one)) for one in told],
        )  # fmt: skip


def _costs(one: AnalyticsFinding) -> tuple[str, ...]:
    made = one.arm != ALONE
    return (
        one.arm,
        figure(one.behind_ms.p50),
        figure(one.behind_ms.p95),
        figure(one.behind_ms.max),
        f"{one.results:,}" if made else NOTHING,
        f"{one.windows - one.differing:,} of {one.windows:,}" if made else NOTHING,
        f"{one.queries:,}" if made and one.queries is not None else NOTHING,
        figure(one.query_ms),
        f"{one.blocks:,}" if made and one.blocks is not None else NOTHING,
        figure(one.database_cpu_s),
        figure(one.worker_cpu_s) if made else NOTHING,
    )


def _planted(one: AnalyticsFinding) -> tuple[str, ...]:
    by_log = one.arm == LOG
    return (
        one.arm,
        f"{one.counted:,}",
        f"{one.planted_late:,}",
        f"{one.late:,}" if by_log else NOTHING,
        f"{one.planted_repeated:,}",
        f"{one.repeated:,}" if by_log else NOTHING,
        f"{one.planted_too_late:,}",
        f"{one.too_late:,}",
        f"{one.lost:,}",
        f"{one.doubled:,}",
    )
