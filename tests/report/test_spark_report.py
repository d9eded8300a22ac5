"""What a run of a Spark job says, on console, page and summary, and how it is judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seawall.experiments.spark_judgement import outcome_of, reasons_of, targets_of
from seawall.report.answer import answer_of
from seawall.report.files import write_reports
from seawall.report.page.picture_choice import pictures_of
from seawall.report.scenarios import scenario_tables
from seawall.report.summary_markdown import summary_markdown
from seawall.result import Arm, Outcome, Quantiles, Result
from seawall.result.second import Reached
from seawall.result.spark import BASELINE, KILLED, SPARK, TUNED, SparkFinding


def finding(arm: str, **rest: Any) -> SparkFinding:
    """Return an arm that is as it should be, but for the *rest*."""
    plain: dict[str, Any] = {
        "master": "local[*]", "reviews": 200, "acknowledged": 200, "messages": 220, "distinct": 200, "written": 200,
        "seconds": 10.0, "reviews_per_s": 20.0, "delay_ms": Quantiles(p50=900.0, p95=1_500.0), "burst": 90,
        "burst_s": 4.0, "batches": 12, "batch_ms": 300.0, "state_rows": 50, "state_bytes": 5_000,
        "java_bytes": 700_000_000, "python_bytes": 90_000_000, "cpu_s": 20.0, "started_s": 6.0,
        "course": [Reached(at_s=4.0, done=80), Reached(at_s=10.0, done=200)],
        "state_course": [Reached(at_s=4.0, done=50), Reached(at_s=10.0, done=10)],
    }  # fmt: skip
    return SparkFinding(arm=arm, outcome=Outcome.PASS, **{**plain, **rest})


BASE = finding(
    BASELINE, delay_ms=Quantiles(p50=2_000.0, p95=4_500.0), burst_s=8.0, state_bytes=100_000, written=300, repeats=100
)


def result(*findings: SparkFinding) -> Result:
    """Return a run of these."""
    return Result(
        experiment=SPARK, started_at="", finished_at="", seed=1, outcome=outcome_of(findings, whole=bool(findings)),
        arms=[Arm(name=one.arm, path="kafka", durability="some") for one in findings],
        spark=list(findings), targets=list(targets_of(findings)), reasons=reasons_of(findings),
    )  # fmt: skip


def test_the_answer_says_what_settings_gave_and_what_they_cost() -> None:
    """Each arm beside the baseline, and what a kill left."""
    killed = finding(KILLED, killed_at=90, back_s=12.0, written=210, repeats=10)
    answer = answer_of(result(BASE, finding(TUNED), killed))
    assert answer.word == "Every review has its features once by key"
    assert "all: 200 of 200 reviews, p95 of the delay 1.5 s" in answer.sentence
    said = " ".join(answer.from_which_load)
    assert "90 reviews at once in 4 s in place of 8" in said
    assert "5% of its memory for state" in said
    assert "all-killed: 10 of 210 messages are repeats" in said
    assert "killed with 90 done, and the next review was done 12 s later" in said
    assert "What it cost, baseline: 790 MB" in said
    assert answer_of(result()).word == "Nothing was measured"
    assert "gave and cost is not told" in " ".join(answer_of(result(BASE)).from_which_load)
    assert "that of one Java" in " ".join(answer.doubts)


@pytest.mark.parametrize(
    ("one", "wrong"),
    [
        (finding(TUNED), ""),
        (finding(TUNED, missing=1), "features_wrong"),
        (finding(TUNED, differing=1), "features_wrong"),
        (finding(TUNED, burst_s=10.5), "burst_s"),
        (finding(TUNED, delay_ms=Quantiles(p95=2_001.0)), "features_delay_ms"),
        (finding(TUNED, java_bytes=3 << 30), "features_memory_bytes"),
        (finding(TUNED, state_bytes=20_000), "state_share"),
    ],
)
def test_what_is_claimed_is_judged(one: SparkFinding, wrong: str) -> None:
    """Equal features once by key of every arm; speed, memory and state of that with all settings changed."""
    rows = list(targets_of([BASE, one]))
    assert {row.metric for row in rows if row.outcome is Outcome.FAIL} == ({wrong} if wrong else set())
    assert outcome_of([BASE, one], whole=True) is (Outcome.FAIL if wrong else Outcome.PASS)
    assert outcome_of([BASE], whole=False) is Outcome.INVALID


def test_each_arm_has_a_row_in_each_table_and_a_line_in_each_picture() -> None:
    """One that has no course has no line."""
    run = result(BASE, finding(TUNED))
    for table in scenario_tables(run):
        assert [row.cells[0] for row in table.rows] == [BASELINE, TUNED]
        assert {len(row.cells) for row in table.rows} == {len(table.columns)}
    assert [one.heading for one in pictures_of(run, {})] == ["Features over time", "State over time"]
    bare = SparkFinding(arm=TUNED, outcome=Outcome.PASS)
    assert list(pictures_of(result(bare), {})) == []
    assert scenario_tables(result(bare))


def test_page_and_summary_tell_it(tmp_path: Path) -> None:
    """What was found stays text."""
    run = result(finding(TUNED, reasons=["<b>so</b>"]))
    write_reports(run, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;so" in page
    assert "<b>so" not in page
    assert "the clock of the reviews is simulated" in page
    assert "features are there once by key" in (tmp_path / "junit.xml").read_text("utf-8")
    assert "| all | PASS |" in summary_markdown(run)
