"""The tables and the page of a run of feeds."""

from __future__ import annotations

import io
from pathlib import Path

import junitparser
import msgspec
from rich.console import Console

from seawall.report.answer import answer_of
from seawall.report.figure_table import console_tables
from seawall.report.files import write_reports
from seawall.report.live_words import in_words, live_tables
from seawall.report.summary_markdown import summary_markdown
from seawall.result import Arm, AuditCounts, JudgedTarget, LiveFinding, Outcome, Quantiles, Result, Trial


def target(arm: str, outcome: Outcome) -> JudgedTarget:
    """Return how arrivals were judged."""
    return JudgedTarget(
        set="always", name="records arrive at subscribers in time", metric="arrival_p95_ms", scope="write",
        limit="< 1 s", arm=arm, trials=1, measured=210.0, samples=9, outcome=outcome, reason="as it is",
    )  # fmt: skip


LOG = LiveFinding(
    arm="kafka", path="kafka", source="log", trial="kafka-live", offered_per_s=1_000.0, subscribers=2_000, whole=4,
    silent=2, dropped=2, returned=101, records=25_000, expected=180_123, delivered=180_123,
    connect_ms=Quantiles(p50=12.0, p95=55.0), arrival_ms=Quantiles(p50=80.0, p95=210.0, p99=300.0),
    accepted_ms=Quantiles(p50=15.0, p95=40.0), propagation_ms=Quantiles(p50=30.0, p95=71.0),
    delivery_ms=Quantiles(p50=5.0, p95=30.0), deliveries_per_s=7_010.0, feed_cpu_s=8.5, database_cpu_s=3.25,
    target=target("kafka", Outcome.PASS), answer="in time: p95 210 ms from due to arrival", outcome=Outcome.PASS,
)  # fmt: skip
DATABASE = msgspec.structs.replace(
    LOG, arm="grouped", path="grouped", source="database", trial="grouped-live", answer="late: p95 1,400 ms",
    target=target("grouped", Outcome.FAIL), propagation_ms=Quantiles(p50=400.0, p95=900.0), database_cpu_s=21.0,
)  # fmt: skip
DULL = msgspec.structs.replace(
    DATABASE, answer="", target=target("grouped", Outcome.INVALID), outcome=Outcome.INVALID,
    reasons=["the <b>generator</b> was late"],
)  # fmt: skip


def result(*findings: LiveFinding, outcome: Outcome = Outcome.PASS) -> Result:
    """Return a run of these."""
    trials = [
        Trial(
            name=one.trial, kind="load", arm=one.arm, block=1, entity="orders", started_at="", users=5,
            duration_s=10.0, audit=AuditCounts(attempted=25_000, acknowledged=25_000, stored=25_000),
        )
        for one in findings
    ]  # fmt: skip
    return Result(
        experiment="stream-live", started_at="", finished_at="", seed=1, outcome=outcome,
        options={"subscribers": 2_000, "rate_per_s": 1_000.0},
        arms=[Arm(name=one.arm, path=one.arm, durability="some") for one in findings], trials=trials,
        targets=[one.target for one in findings if one.target], live=list(findings),
        verdicts={one.arm: one.outcome for one in findings}, reasons=["One trial a source."],
    )  # fmt: skip


def test_the_answer_names_who_is_in_time_and_what_the_log_gave_and_cost() -> None:
    """Beside who asks the database."""
    answer = answer_of(result(LOG, DATABASE))
    assert answer.question == "Do 2,000 subscribers hear of their records in time, at 1,000 records a second?"
    assert answer.word == "By the log"
    gave, cost = answer.from_which_load
    assert "71 ms (p95) after it was accepted" in gave
    assert "900 ms" in gave
    assert "21 processor seconds" in gave
    assert "8.5 processor seconds" in cost
    assert answer.doubts == ["One trial a source."]


def test_what_does_not_tell_is_not_told() -> None:
    """Of the log's gain counts alone, and nothing where there is nothing to hold it against."""
    answer = answer_of(result(LOG, DULL, outcome=Outcome.INVALID))
    assert answer.word == "By the log"
    assert "asking the database: not told" in answer.sentence
    gave, cost = answer.from_which_load
    assert "180,123 of 180,123 deliveries by the log, and 180,123 of 180,123" in gave
    assert "against 8.5 and 21 without it" in cost
    assert "(p95)" not in gave + cost
    assert answer_of(result(LOG)).from_which_load == [
        "What the log gave and cost is not told: that takes a feed by each source."
    ]
    assert answer_of(result(DULL)).word == "This run does not tell"
    assert answer_of(result()).word == "Nothing was measured"
    open_ = msgspec.structs.replace(DATABASE, target=target("grouped", Outcome.INCONCLUSIVE))
    assert answer_of(result(open_)).word == "This run does not tell"
    flawed = msgspec.structs.replace(LOG, missing=1, outcome=Outcome.FAIL)
    assert answer_of(result(flawed, outcome=Outcome.FAIL)).word == "Not everything arrived, once and in order"


def test_a_line_says_what_became_of_silent_and_returning_subscribers() -> None:
    """As the progress shows it."""
    said = in_words(LOG)
    assert said.startswith("in time")
    assert "2 of 2 that never read were let go" in said
    assert "101 left and came back" in said
    assert in_words(DULL).endswith(": the <b>generator</b> was late")


def test_console_page_markdown_and_junit_show_the_same(tmp_path: Path) -> None:
    """And nothing that a reason says becomes markup."""
    run = result(LOG, DULL, outcome=Outcome.INVALID)
    out = io.StringIO()
    Console(file=out, width=250).print(*console_tables(live_tables(run), "ascii"))
    for text in ("180,123", "30 / 71", "2 of 2", "2,000 + 4", "PASS", "INVALID"):
        assert text in out.getvalue(), text
    write_reports(run, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "180,123" in page
    assert "<b>generator</b>" not in page
    assert "All subscribers following everything" in page
    assert "180,123" in summary_markdown(run)
    cases = [case for suite in junitparser.JUnitXml.fromfile(str(tmp_path / "junit.xml")) for case in suite]
    assert any("180,123 deliveries by the log's feed" in str(case.name) for case in cases)
