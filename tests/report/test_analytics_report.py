"""What a run of live figures says, on console, page and summary."""

from __future__ import annotations

from pathlib import Path

from seawall.report.answer import answer_of
from seawall.report.files import write_reports
from seawall.report.scenarios import scenario_tables
from seawall.report.summary_markdown import summary_markdown
from seawall.result import Arm, Outcome, Quantiles, Result
from seawall.result.live_analytics import ALONE, ANALYTICS, LOG, QUERIES, AnalyticsFinding

FINDINGS = [
    AnalyticsFinding(arm=ALONE, trial="1", acknowledged=900, database_cpu_s=1.0, outcome=Outcome.PASS),
    AnalyticsFinding(
        arm=LOG, trial="2", windows=7, results=40, counted=890, late=9, repeated=18, too_late=10, planted_late=20,
        planted_repeated=18, planted_too_late=10, behind_ms=Quantiles(p50=150.0, p95=260.0, max=310.0), queries=0,
        query_ms=0.0, blocks=0, database_cpu_s=1.1, worker_cpu_s=0.5, outcome=Outcome.PASS,
    ),
    AnalyticsFinding(
        arm=QUERIES, trial="3", windows=7, differing=1, results=40, counted=890, queries=40, query_ms=123.0,
        blocks=4_000, behind_ms=Quantiles(p95=270.0, max=330.0), database_cpu_s=2.5, worker_cpu_s=0.25,
        outcome=Outcome.FAIL, reasons=["1 windows are not those of the <table>"],
    ),
]  # fmt: skip


def result(*findings: AnalyticsFinding, outcome: Outcome = Outcome.PASS) -> Result:
    """Return a run of these."""
    return Result(
        experiment=ANALYTICS, started_at="", finished_at="", seed=1, outcome=outcome,
        options={"rate_per_s": 300.0, "window_s": 5.0},
        arms=[Arm(name=one.arm, path="kafka", durability="some") for one in findings],
        verdicts={one.arm: one.outcome for one in findings}, live_analytics=list(findings),
        reasons=["One trial each."],
    )  # fmt: skip


def test_the_answer_says_how_far_behind_and_what_it_gave_and_cost() -> None:
    """In the words of the figures."""
    answer = answer_of(result(*FINDINGS[:2], FINDINGS[2]))
    assert answer.question.startswith("How far behind are figures by windows of 5 s at 300 orders a second")
    assert answer.word == "At most 310 ms behind, and right"
    assert "consumer: p95 260 ms and at most 310 ms behind, 7 windows, all equal to the table's" in answer.sentence
    gave, cost = answer.from_which_load
    assert "asked the table 40 times, 123 ms in the database, 4,000 pages" in gave
    assert "The database took 1.1 beside the consumer and 2.5 beside the queries, 1 with nobody asking" in cost
    assert answer_of(result(*FINDINGS, outcome=Outcome.FAIL)).word == "Not all of it is right and in time"
    assert answer_of(result()).word == "Nothing was measured"


def test_tables_have_a_row_for_each_way() -> None:
    """Who makes no figures has none."""
    costs, planted = scenario_tables(result(*FINDINGS))
    assert [row.cells[0] for row in costs.rows] == [ALONE, LOG, QUERIES]
    assert costs.rows[1].cells == (LOG, "150", "260", "310", "40", "7 of 7", "0", "0", "0", "1.1", "0.5")
    assert planted.rows[0].cells == (LOG, "890", "20", "9", "18", "18", "10", "10", "0", "0")


def test_page_and_summary_tell_it(tmp_path: Path) -> None:
    """Reasons stay text."""
    run = result(*FINDINGS, outcome=Outcome.FAIL)
    write_reports(run, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Late and repeated records" in page
    assert "not those of the &lt;table&gt;" in page
    assert "One trial each" in page
    assert "| consumer | PASS |" in summary_markdown(run)
