"""What is told of a run of the cache fleet."""

from __future__ import annotations

from seawall.report.answer import answer_of
from seawall.report.page.page import render
from seawall.report.summary_markdown import summary_markdown
from seawall.result import Arm, Outcome, Quantiles, Result
from seawall.result.cache_fleet import CACHE, FleetClaim, FleetFinding, FleetFindings

DATABASE = FleetFinding(
    arm="database", trial="1000-database", rows=1_000, source="database", orders=1_200, pick_queries_per_min=1_200.0,
    api_queries_per_min=1_000.0, pick_ms=Quantiles(p50=1.5, p95=2.5, samples=1_200), changes=100, outcome=Outcome.PASS,
)  # fmt: skip
WARM = FleetFinding(
    arm="warm", trial="1000-warm", rows=1_000, source="cache", begun="warm", orders=1_200, hits=1_188, misses=12,
    load_queries_per_min=4.8, pick_ms=Quantiles(p50=0.25, samples=1_188), age_max_s=49.5, age_p50_s=20.0, changes=100,
    stale=30, stale_longest_s=41.25, filled_s=0.0, outcome=Outcome.INVALID, reasons=["the <b>generator</b> was late"],
)  # fmt: skip
CLAIMS = [
    FleetClaim(rows=1_000, name="queries saved", claimed="98%", measured="99.8%", holds=True),
    FleetClaim(rows=1_000, name="quicker", claimed="100 times", measured="6 times", holds=False, why="a round trip"),
    FleetClaim(rows=1_000, name="age", claimed="50 s", measured="? s", holds=None),
]


def result(trials: list[FleetFinding], claims: list[FleetClaim]) -> Result:
    """Return a run of these."""
    return Result(
        experiment=CACHE, started_at="2026-01-01T00:00:00+00:00", finished_at="2026-01-01T00:05:00+00:00", seed=1,
        outcome=Outcome.INVALID, reasons=["1000-warm: the <b>generator</b> was late"],
        arms=[Arm(name=name, path="kafka", durability="1 broker, page cache") for name in ("database", "warm")],
        fleet=FleetFindings(trials=trials, claims=claims),
    )  # fmt: skip


def test_the_answer_counts_claims_and_says_what_the_cache_cost() -> None:
    """Those that cannot be told are neither held nor missed."""
    answer = answer_of(result([DATABASE, WARM], CLAIMS))
    assert answer.word == "1 of 2 claims hold, and 1 cannot be told"
    assert "1,000 rows: quicker 6 times (claimed 100 times: does not hold)" in answer.sentence
    assert answer.from_which_load[0] == (
        "What the cache gave is not told for 1,000 rows: that takes valid trials of database and warm."
    )
    assert answer.from_which_load[1] == "Quicker: a round trip."
    assert "30 of 1,200 orders went through at a price that was another already, for up to 41.2 s" in " ".join(
        answer.from_which_load
    )


def test_page_and_summary_show_claims_queries_and_ages() -> None:
    """And what users can put into a reason is escaped."""
    whole = result([DATABASE, WARM], CLAIMS)
    page, summary = render(whole, {}), summary_markdown(whole)
    assert "<b>generator" not in page
    for text in ("Claims", "Database queries a minute", "99.00%", "49.5", "30 of 1,200"):
        assert text in page
        assert text in summary or text in ("Claims", "Database queries a minute")


def test_a_run_that_ended_at_once_has_a_page_too() -> None:
    """It says that nothing was measured."""
    empty = result([], [])
    assert answer_of(empty).word == "Nothing was measured"
    assert "Nothing was measured" in render(empty, {})
