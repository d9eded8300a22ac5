"""What a run of reviews says, on console, page and summary, and how it is judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from seawall.experiments.reviews_judgement import outcome_of, reasons_of, targets_of
from seawall.report.answer import answer_of
from seawall.report.files import write_reports
from seawall.report.page.picture_choice import pictures_of
from seawall.report.scenarios import scenario_tables
from seawall.report.summary_markdown import summary_markdown
from seawall.result import Arm, Outcome, Quantiles, Result
from seawall.result.reviews import BATCH, LISTS, REVIEWS, SINGLE, ReviewsFinding
from seawall.result.second import Reached


def finding(arm: str, calls: int = 10, **rest: Any) -> ReviewsFinding:
    """Return an arm that is as it should be, but for the *rest*."""
    plain: dict[str, Any] = {
        "reviews": 200, "jobs": 10, "acknowledged": 200, "judged": 200, "sentiments": {"positive": 110, "neutral": 90},
        "seconds": 10.0, "reviews_per_s": 20.0, "delay_ms": Quantiles(p50=900.0, p95=2_000.0), "calls": calls,
        "asked": 200, "error_ratio": 0.0, "batches": calls, "by_size": calls, "memory_bytes": 90_000_000, "cpu_s": 1.5,
        "course": [Reached(at_s=4.0, done=80), Reached(at_s=10.0, done=200)],
    }  # fmt: skip
    return ReviewsFinding(arm=arm, outcome=Outcome.PASS, **{**plain, **rest})


def result(*findings: ReviewsFinding) -> Result:
    """Return a run of these."""
    return Result(
        experiment=REVIEWS, started_at="", finished_at="", seed=1, outcome=outcome_of(findings, whole=bool(findings)),
        arms=[Arm(name=one.arm, path="kafka", durability="some") for one in findings],
        reviews=list(findings), targets=list(targets_of(findings)), reasons=reasons_of(findings),
    )  # fmt: skip


def test_the_answer_says_what_batches_gained_and_what_waiting_cost() -> None:
    """Each arm beside one call a review."""
    batch = finding(BATCH, by_size=9, by_time=1, latest_ms=3.0)
    answer = answer_of(result(batch, finding(SINGLE, 200, reviews_per_s=8.0), finding(LISTS)))
    assert answer.word == "Every review has one result"
    assert "batch: 200 of 200 reviews at 20 a second, in 10 calls" in answer.sentence
    said = " ".join(answer.from_which_load)
    assert "What the log gave, batch: 10 calls in place of 200, and 2.5 times the reviews a second." in said
    assert "1 of 10 batches waited for their deadline" in said
    assert (
        "lists: results came 2 s after their reviews at p95, since a job is sent when its last review is there" in said
    )
    assert answer_of(result()).word == "Nothing was measured"
    assert "gave and cost is not told" in " ".join(answer_of(result(batch)).from_which_load)


def test_calls_that_failed_and_dead_letters_are_told() -> None:
    """By their kinds."""
    one = finding(
        BATCH, 40, judged=195, buried=5, partial=4, throttled=3, unavailable=3, error_ratio=0.25, breaker_opened=2
    )
    said = " ".join(answer_of(result(one)).from_which_load)
    assert "5 reviews are dead letters" in said
    assert "10 of 40 calls were not answered as a whole; 4 partial, 3 throttled, 3 unavailable" in said
    assert "the circuit breaker opened 2 times" in said


@pytest.mark.parametrize(
    ("one", "wrong"),
    [
        (finding(BATCH), ""),
        (finding(BATCH, missing=1), "reviews_wrong"),
        (finding(BATCH, both=1), "reviews_wrong"),
        (finding(BATCH, misordered=1), "reviews_misordered"),
        (finding(BATCH, by_time=3, late=1, latest_ms=70.0), "reviews_late"),
        (finding(BATCH, 200), "reviews_calls_share"),
    ],
)
def test_what_is_claimed_is_judged(one: ReviewsFinding, wrong: str) -> None:
    """A result each, in the order of jobs, deadlines within 50 ms, and fewer calls than one a review."""
    rows = list(targets_of([one, finding(SINGLE, 200)]))
    assert {row.metric for row in rows if row.outcome is Outcome.FAIL} == ({wrong} if wrong else set())
    assert outcome_of([one, finding(SINGLE, 200)], whole=True) is (Outcome.FAIL if wrong else Outcome.PASS)
    assert outcome_of([one], whole=False) is (
        Outcome.FAIL if wrong not in ("", "reviews_calls_share") else Outcome.INVALID
    )


def test_a_deadline_that_was_missed_says_by_how_much() -> None:
    """In the reasons."""
    said = " ".join(reasons_of([finding(BATCH, by_time=3, late=1, latest_ms=70.0)]))
    assert "1 of 3 deadlines were missed by more than 50 ms, by 70 at most" in said


def test_each_arm_has_a_row_in_each_table_and_a_line_in_each_picture() -> None:
    """One that has no course, or no delay, has no line."""
    run = result(finding(BATCH), finding(SINGLE, 200))
    for table in scenario_tables(run):
        assert [row.cells[0] for row in table.rows] == [BATCH, SINGLE]
        assert {len(row.cells) for row in table.rows} == {len(table.columns)}
    assert [one.heading for one in pictures_of(run, {})] == ["Results over time", "What calls buy"]
    bare = msgspec.structs.replace(finding(BATCH), course=[], delay_ms=Quantiles(), calls=0, seconds=None)
    assert list(pictures_of(result(bare), {})) == []
    assert scenario_tables(result(bare))


def test_page_and_summary_tell_it(tmp_path: Path) -> None:
    """What was found stays text."""
    run = result(finding(BATCH, reasons=["<b>so</b>"]))
    write_reports(run, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;so" in page
    assert "<b>so" not in page
    assert "Several workers side by side" in page
    assert "each review has one result or one dead letter" in (tmp_path / "junit.xml").read_text("utf-8")
    assert "| batch | PASS |" in summary_markdown(run)
