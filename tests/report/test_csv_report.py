"""What an import of a CSV file says, on console, page and summary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from seawall.experiments.csv_judgement import LEAST_ROWS, judged, outcome_of, reasons_of, targets_of
from seawall.report.answer import answer_of
from seawall.report.files import write_reports
from seawall.report.page.picture_choice import pictures_of
from seawall.report.scenarios import scenario_tables
from seawall.report.summary_markdown import summary_markdown
from seawall.result import Arm, Outcome, Result
from seawall.result.csv_import import CSV, DIRECT, KAFKA, CsvFinding, LoaderFinding
from seawall.result.second import Reached

GOOD = LEAST_ROWS
LOADER = LoaderFinding(rows=GOOD, seconds=1.0, rows_per_s=100_000.0)


def finding(arm: str, **rest: Any) -> CsvFinding:
    """Return an import that is as it should be, but for the *rest*."""
    plain: dict[str, Any] = {
        "good": GOOD, "bad": 2, "stored": GOOD, "in_table": GOOD, "in_rejects": 2, "seconds": 1.5, "behind_s": 0.2,
        "rows_per_s": 60_000.0, "share_of_loader": 0.6, "memory_bytes": {"importer": 70_000_000},
        "cpu_s": {"importer": 1.2}, "read_as": "utf-8, delimiter '<'", "rejects": "raw/01/rejects.csv",
    }  # fmt: skip
    return CsvFinding(arm=arm, outcome=Outcome.PASS, **{**plain, **rest})


def result(*findings: CsvFinding) -> Result:
    """Return a run of these."""
    return Result(
        experiment=CSV, started_at="", finished_at="", seed=1, outcome=outcome_of(findings, whole=bool(findings)),
        arms=[Arm(name=one.arm, path="sync", durability="fsync") for one in findings],
        csv=list(findings), csv_loader=LOADER if findings else None, targets=list(targets_of(findings)),
        reasons=reasons_of(findings),
    )  # fmt: skip


def test_the_answer_says_how_fast_and_whether_all_is_there() -> None:
    """And what an import that stored less had found."""
    answer = answer_of(result(finding(DIRECT), finding(KAFKA, stored=5, rows_per_s=None, resumed_line=9)))
    assert answer.word == "Every row is where it belongs"
    assert "direct: 60,000 rows a second until visible, 60% of the database's own loader" in answer.sentence
    said = " ".join([*answer.from_which_load, *answer.doubts])
    assert "kafka: this import stored 5 of 100,000 rows; the others were there already." in said
    assert "an earlier import had stopped before line 9" in said
    assert "COPY took 100,000 of these rows at 100,000 a second" in said
    assert answer_of(result()).word == "Nothing was measured"


@pytest.mark.parametrize(
    "wrong", ["lost", "unreported", "corrupted", "phantom", "doubled", "wrongly_rejected", "buried"]
)
def test_whatever_is_not_in_its_place_is_a_fail(wrong: str) -> None:
    """With its number and an example."""
    one = finding(DIRECT, **{wrong: 3})
    outcome, reasons = judged(one, drained=True, examples=["line 7: so"])
    assert outcome is Outcome.FAIL
    assert reasons == [f"3 {wrong.replace('_', ' ')}", "first at line 7: so"]
    failed = msgspec.structs.replace(one, outcome=outcome, reasons=reasons)
    assert outcome_of([failed], whole=False) is Outcome.FAIL
    assert answer_of(result(failed)).word == "Not every row is where it belongs"


def test_other_numbers_than_the_importers_and_a_log_that_is_not_drained_are_fails() -> None:
    """Each says so."""
    assert "counted 100,000 good" in judged(finding(DIRECT, in_table=9), drained=True, examples=[])[1][0]
    assert "--drain-timeout" in judged(finding(KAFKA), drained=False, examples=[])[1][0]
    assert judged(finding(KAFKA), drained=True, examples=[]) == (Outcome.PASS, [])


@pytest.mark.parametrize(
    ("one", "outcome"),
    [
        (finding(KAFKA), Outcome.PASS),
        (finding(KAFKA, rows_per_s=49_999.0), Outcome.FAIL),
        (finding(KAFKA, good=99_999), Outcome.INCONCLUSIVE),
        (finding(KAFKA, rows_per_s=None), Outcome.PASS),
        (finding(DIRECT, rows_per_s=100.0), Outcome.PASS),
        (finding(DIRECT, share_of_loader=0.49), Outcome.FAIL),
        (finding(DIRECT, share_of_loader=None), Outcome.PASS),
        (finding(DIRECT, memory_bytes={"importer": 1, "sink": 200_000_000}), Outcome.FAIL),
    ],
)
def test_what_is_claimed_is_judged(one: CsvFinding, outcome: Outcome) -> None:
    """Speed through the log, share of the loader directly, and memory of both."""
    assert outcome_of([one], whole=True) is outcome
    assert outcome_of([one], whole=False) is (Outcome.FAIL if outcome is Outcome.FAIL else Outcome.INVALID)


def test_each_way_and_the_loader_have_a_row() -> None:
    """And each way has one that says where its records are."""
    ways, places = scenario_tables(result(finding(DIRECT), finding(KAFKA)))
    assert [row.cells[0] for row in ways.rows] == [DIRECT, KAFKA, "COPY"]
    assert ways.rows[0].cells[1:6] == ("100,000", "100,000", "1.5", "60,000", "60%")
    assert places.rows[1].cells[:3] == (KAFKA, "100,000", "2")
    assert {len(row.cells) for row in ways.rows} == {len(ways.columns)}
    assert {len(row.cells) for row in places.rows} == {len(places.columns)}


def test_page_and_summary_tell_it(tmp_path: Path) -> None:
    """What a file says stays text."""
    run = result(finding(DIRECT), finding(KAFKA))
    write_reports(run, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "delimiter &#39;&lt;&#39;" in page
    assert "Several files at once" in page
    assert "share of the database&#39;s own loader" in page or "share of the database's own loader" in page
    assert "every row is where it belongs" in (tmp_path / "junit.xml").read_text("utf-8")
    assert "| direct | PASS |" in summary_markdown(run)


def test_the_course_of_both_imports_is_drawn_beside_the_loader() -> None:
    """Results of earlier versions have none."""
    course = [Reached(at_s=0.0, done=0), Reached(at_s=0.9, done=40_000), Reached(at_s=1.5, done=GOOD)]
    found = list(pictures_of(result(finding(DIRECT, visible=course), finding(KAFKA, read=course, visible=course)), {}))
    assert [one.heading for one in found] == ["Rows by when"]
    assert all(f">{name}</text>" in found[0].svg for name in (DIRECT, KAFKA, "COPY"))
    assert found[0].svg.count("dashed") == 1
    assert list(pictures_of(result(finding(DIRECT), finding(KAFKA)), {})) == []
