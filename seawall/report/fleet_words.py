"""What is said of the cache fleet: words and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seawall.report.answer_form import Answer
from seawall.report.figure_table import FigureRow, FigureTable
from seawall.report.figures import NOTHING, figure
from seawall.result import Outcome, Result
from seawall.result.cache_fleet import FROM_CACHE, FROM_DATABASE, WARM, FleetClaim, FleetFinding, FleetFindings

QUESTION = "What does a cache in front of the database save, how much quicker is it, and how old do its answers get?"
NOT_MEASURED = (
    "How much trials differ: there was one of each.",
    "Readers on other machines: a network makes cache and database slower by the same, and so their ratio smaller.",
    "A cache that is too small for what is read: the fleet's hashes hold what they are meant to.",
    "Other orders than these: more of them save more statements, since the loader's do not depend on them.",
)
_HOLDS = {True: "holds", False: "does not hold", None: "not told"}


def fleet_answer(result: Result) -> Answer:
    """Return what became of the claims."""
    found = result.fleet or FleetFindings()
    doubts = [f"{reason.rstrip('.')}." for reason in result.reasons]
    if not found.trials:
        return Answer(QUESTION, "Nothing was measured", "The run ended before its first trial did.", doubts=doubts)
    word = "Not all that was acknowledged is there" if result.outcome is Outcome.FAIL else _word(found.claims)
    sentence = "; ".join(f"{_rows(claim.rows)}: {_claim(claim)}" for claim in found.claims)
    return Answer(
        QUESTION,
        word,
        f"{sentence}." if sentence else "No claim has both of its sides: the arms database and warm are compared.",
        from_which_load=list(_gain_and_cost(found)),
        doubts=doubts,
    )


def _word(claims: Sequence[FleetClaim]) -> str:
    told = [claim for claim in claims if claim.holds is not None]
    if not told:
        return "This run does not tell"
    held = sum(bool(claim.holds) for claim in told)
    untold = f", and {len(claims) - len(told)} cannot be told" if len(claims) > len(told) else ""
    return f"{held} of {len(told)} claims hold{untold}"


def _claim(claim: FleetClaim) -> str:
    return f"{claim.name} {claim.measured} (claimed {claim.claimed}: {_HOLDS[claim.holds]})"


def _rows(rows: int) -> str:
    return f"{rows:,} rows"


def _gain_and_cost(found: FleetFindings) -> Iterator[str]:
    for rows in dict.fromkeys(one.rows for one in found.trials):
        yield _gain(rows, [one for one in found.trials if one.rows == rows])
    reasons = dict.fromkeys(f"{claim.name}: {claim.why}" for claim in found.claims if claim.why)
    yield from (f"{reason[:1].upper()}{reason[1:]}." for reason in reasons)
    cached = [one for one in found.trials if one.source == FROM_CACHE and one.changes]
    if cached:
        stale, orders = sum(one.stale for one in cached), sum(one.orders for one in cached)
        longest = max((one.stale_longest_s or 0.0 for one in cached), default=0.0)
        yield (
            f"What it cost: {stale:,} of {orders:,} orders went through at a price that was another already, for up to"
            f" {longest:.1f} s; and a loader that reads all entries whether anybody wants them or not."
        )


def _gain(rows: int, here: Sequence[FleetFinding]) -> str:
    """Say what a full cache spares the database; only that where a trial tells it."""
    without = next((one for one in here if one.source == FROM_DATABASE), None)
    full = next((one for one in here if one.begun == WARM and not one.away), None)
    if without is None or full is None or Outcome.INVALID in (without.outcome, full.outcome):
        return f"What the cache gave is not told for {_rows(rows)}: that takes valid trials of database and warm."
    return (
        f"What the cache gave with {_rows(rows)}: the database is asked {figure(full.queries_per_min)} times a minute"
        f" in place of {figure(without.queries_per_min)}, and a pick takes {figure(full.pick_ms.p50)} ms (p50) in place"
        f" of {figure(without.pick_ms.p50)} ms."
    )


def in_words(finding: FleetFinding) -> str:
    """Return in a line what a trial came to."""
    hits = "" if finding.hit_rate is None else f"{finding.hit_rate:.1%} hits, "
    age = "" if finding.age_max_s is None else f", at most {finding.age_max_s:.1f} s old"
    why = f": {'; '.join(finding.reasons)}" if finding.reasons else ""
    return (
        f"{finding.orders:,} orders, {hits}{finding.queries_per_min:,.0f} queries a minute, a pick in"
        f" {figure(finding.pick_ms.p50)} ms{age}, {finding.lost:,} lost, {finding.doubled:,} doubled{why}"
    )


def fleet_tables(result: Result) -> Iterator[FigureTable]:
    """Return claims, queries and ages."""
    found = result.fleet or FleetFindings()
    if found.claims:
        yield _claims(found.claims)
    if found.trials:
        yield _queries(found.trials)
        yield _answers(found.trials)


def _claims(claims: Sequence[FleetClaim]) -> FigureTable:
    return FigureTable(
        title="Claims",
        columns=("claim", "rows", "claimed", "measured", "so", "why"),
        texts=frozenset({"claimed", "measured", "so", "why"}),
        rows=[
            FigureRow(
                cells=(
                    claim.name, f"{claim.rows:,}", claim.claimed, claim.measured, _HOLDS[claim.holds],
                    claim.why or NOTHING,
                )
            )
            for claim in claims
        ],
    )  # fmt: skip


def _queries(trials: Sequence[FleetFinding]) -> FigureTable:
    return FigureTable(
        title="Database queries a minute",
        caption="counted is the database's own count of statements that read users, products or grades",
        columns=(
            "trial", "orders", "hits", "misses", "of picks", "of the loader", "of the API", "together", "counted",
            "lost", "doubled",
        ),
        rows=[
            FigureRow(
                outcome=one.outcome,
                cells=(
                    one.trial, f"{one.orders:,}", NOTHING if one.hit_rate is None else f"{one.hit_rate:.2%}",
                    f"{one.misses:,}", figure(one.pick_queries_per_min), figure(one.load_queries_per_min),
                    figure(one.api_queries_per_min), figure(one.queries_per_min), figure(one.counted_per_min),
                    f"{one.lost:,}", f"{one.doubled:,}",
                ),
            )
            for one in trials
        ],
    )  # fmt: skip


def _answers(trials: Sequence[FleetFinding]) -> FigureTable:
    return FigureTable(
        title="Answers: how quick, and how old",
        caption="a bare round trip asks for nothing; a miss is what was spent on the cache, and then on the database",
        columns=(
            "trial", "p50 ms", "p95 ms", "p99 ms", "bare p50 ms", "miss p50 ms", "in the database ms", "age p50 s",
            "age max s", "stale", "stale max s", "full after s", "remarks",
        ),
        texts=frozenset({"remarks"}),
        rows=[
            FigureRow(
                cells=(
                    one.trial, *map(figure, (one.pick_ms.p50, one.pick_ms.p95, one.pick_ms.p99, one.bare_p50_ms)),
                    figure(one.miss_ms.p50), figure(one.server_ms), figure(one.age_p50_s), figure(one.age_max_s),
                    f"{one.stale:,} of {one.orders:,}", figure(one.stale_longest_s), figure(one.filled_s),
                    "; ".join(one.reasons) or NOTHING,
                )
            )
            for one in trials
        ],
    )  # fmt: skip
