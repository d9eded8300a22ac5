"""What a feed did, in words and figures, and what the log gave and cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seawall.report.answer_form import Answer
from seawall.report.figure_table import FigureRow, FigureTable
from seawall.report.figures import figure
from seawall.result import LiveFinding, Outcome, Quantiles, Result

_BY = {"log": "the log", "database": "asking the database"}
NOT_MEASURED = (
    "All subscribers following everything: each record would be as many deliveries as there are subscribers.",
    "Subscribers far away, on slow or lossy networks: these are on this machine.",
    "One query for all subscribers of a process: here each asks for itself.",
    "How much trials differ: there was one a source.",
)


def live_answer(result: Result) -> Answer:
    """Return the answer to whether a feed brings records to its subscribers in time."""
    options = result.options
    count, rate = options.get("subscribers", 0), options.get("rate_per_s", 0.0)
    question = f"Do {count:,} subscribers hear of their records in time, at {rate:,.0f} records a second?"
    doubts = [f"{reason.rstrip('.')}." for reason in result.reasons]
    if not result.live:
        return Answer(question, "Nothing was measured", "The run ended before its first trial did.", [], doubts)
    said = "; ".join(f"by {_BY[one.source]}: {one.answer or 'not told'}" for one in result.live)
    return Answer(question, _word(result), f"{said}.", list(_gain_and_cost(result)), doubts)


def _word(result: Result) -> str:
    if not all(one.flawless for one in result.live):
        return "Not everything arrived, once and in order"
    told = [one for one in result.live if one.answer and _tells(one)]
    if not told:
        return "This run does not tell"
    held = [_BY[one.source] for one in told if _in_time(one)]
    return f"By {' and by '.join(held)}" if held else "Not in time"


def _tells(finding: LiveFinding) -> bool:
    """Tell whether it is known if it was in time: an interval around the limit leaves that open."""
    return finding.target is not None and finding.target.outcome in (Outcome.PASS, Outcome.FAIL)


def _in_time(finding: LiveFinding) -> bool:
    return finding.target is not None and finding.target.outcome is Outcome.PASS


def _gain_and_cost(result: Result) -> Iterator[str]:
    """Say what the log gave and what it cost, beside who goes without; times only where both trials tell them."""
    by = {one.source: one for one in result.live}
    log, database = by.get("log"), by.get("database")
    if log is None or database is None:
        yield "What the log gave and cost is not told: that takes a feed by each source."
        return
    if not (log.answer and database.answer):
        yield (
            f"What the log gave, by counts alone since not both trials tell times: {_made(log)} by the log, and"
            f" {_made(database)} by asking the database."
        )
        yield (
            f"What it cost: the feed by the log took {figure(log.feed_cpu_s)} processor seconds and the database"
            f" {figure(log.database_cpu_s)}, against {figure(database.feed_cpu_s)} and"
            f" {figure(database.database_cpu_s)} without it, and the log itself is a server more."
        )
        return
    yield (
        f"What the log gave: a record is handed out {_p95(log.propagation_ms)} (p95) after it was accepted, and with"
        f" subscribers that ask the database {_p95(database.propagation_ms)}; they cost the database"
        f" {figure(database.database_cpu_s)} processor seconds, and it {figure(log.database_cpu_s)} where the log feeds"
        " them."
    )
    yield (
        f"What it cost: the feed by the log took {figure(log.feed_cpu_s)} processor seconds, the other"
        f" {figure(database.feed_cpu_s)}, and the log itself is a server more. A record is accepted"
        f" {_p95(log.accepted_ms)} (p95) after it was due, and without the log {_p95(database.accepted_ms)}."
    )


def _made(finding: LiveFinding) -> str:
    amiss = "" if finding.flawless else ", not all of it once and in order"
    return f"{finding.delivered:,} of {finding.expected:,} deliveries{amiss}"


def _p95(times: Quantiles) -> str:
    return "later than was seen" if times.p95 is None else f"{figure(times.p95)} ms"


def in_words(finding: LiveFinding) -> str:
    """Return in a line what the feed did."""
    said = [finding.answer or "not told"]
    if finding.silent:
        said.append(f"{finding.dropped} of {finding.silent} that never read were let go")
    if finding.returned:
        said.append(f"{finding.returned} left and came back")
    why = f": {'; '.join(finding.reasons)}" if finding.reasons else ""
    return f"{', '.join(said)}{why}"


def live_tables(result: Result) -> list[FigureTable]:
    """Return how long each stage took, and what became of the deliveries."""
    return [_times(result.live), _deliveries(result.live)]


def _times(findings: Sequence[LiveFinding]) -> FigureTable:
    columns = (
        ("connect_ms", "connecting"), ("accepted_ms", "due to accepted"), ("propagation_ms", "accepted to handed out"),
        ("delivery_ms", "handed out to arrived"), ("arrival_ms", "due to arrived"),
    )  # fmt: skip
    rows = []
    for one in findings:
        cells = [f"{figure(found.p50)} / {figure(found.p95)}" for found in (getattr(one, name) for name, _ in columns)]
        p99 = figure(one.arrival_ms.p99)
        outcome = None if one.target is None else one.target.outcome
        rows.append(FigureRow(cells=(one.source, *cells, p99), outcome=outcome))
    return FigureTable(
        title="The way to a subscriber, ms",
        columns=("feed by", *(name for _, name in columns), "p99 of that"),
        rows=rows,
        caption="p50 / p95; of subscribers that were there all the time. A feed can be quicker than the answer.",
    )


def _deliveries(findings: Sequence[LiveFinding]) -> FigureTable:
    rows = [
        FigureRow(
            cells=(
                one.source,
                f"{one.subscribers:,} + {one.whole}",
                f"{one.records:,}",
                f"{one.expected:,}",
                *(f"{count:,}" for count in (one.missing, one.doubled, one.disordered, one.strayed, one.returned)),
                f"{one.dropped} of {one.silent}",
                figure(one.deliveries_per_s),
                figure(one.feed_cpu_s),
                figure(one.database_cpu_s),
                "; ".join(one.reasons),
            ),
            outcome=one.outcome,
        )
        for one in findings
    ]
    return FigureTable(
        title="Deliveries: each acknowledged record of each subscriber's feed",
        columns=(
            "feed by", "subscribers", "records", "deliveries", "missing", "doubled", "out of order", "strayed",
            "came back", "never read, let go", "deliveries/s", "feed CPU s", "database CPU s", "remarks",
        ),
        rows=rows,
        caption="Subscribers follow one buyer's orders each, and those behind the + all orders.",
        texts=frozenset({"remarks"}),
    )  # fmt: skip
