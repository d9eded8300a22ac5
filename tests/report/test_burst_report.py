"""The tables and the page of a run of bursts."""

from __future__ import annotations

import io
from pathlib import Path

import junitparser
from rich.console import Console

from seawall.report.answer import answer_of
from seawall.report.burst_tables import burst_tables
from seawall.report.burst_words import in_words
from seawall.report.files import write_reports
from seawall.report.page.chart_files import chart_sheets
from seawall.report.summary_markdown import summary_markdown
from seawall.result import (
    Arm,
    AuditCounts,
    BurstFinding,
    BurstStage,
    FaultMoment,
    Outcome,
    Quantiles,
    Result,
    Trial,
)

COURSE = [
    FaultMoment(at_s=0.125 + number / 4, accepted_per_s=400.0, response_p95_ms=5.0 + number, visible_p95_ms=50.0)
    for number in range(40)
]


def stages(in_time: int, refused: int, outcome: Outcome) -> list[BurstStage]:
    """Return the stages of a burst of a thousand."""
    calm = {"duration_s": 5.0, "rate_per_s": 100.0, "offered": 500, "in_time": 500, "outcome": Outcome.PASS}
    return [
        BurstStage(name="before", begins_s=1.0, response_ms=Quantiles(p95=5.0), **calm),  # type: ignore[arg-type]
        BurstStage(
            name="burst", begins_s=6.0, duration_s=1.0, rate_per_s=1_000.0, offered=1_000, in_time=in_time,
            refused=refused, response_ms=Quantiles(p95=150.0), outcome=outcome,
        ),
        BurstStage(name="after", begins_s=7.0, response_ms=Quantiles(p95=6.0), **calm),  # type: ignore[arg-type]
    ]  # fmt: skip


def finding(arm: str, answer: str, burst: tuple[int, int, Outcome], **rest: object) -> BurstFinding:
    """Return what a path did with it."""
    given: dict[str, object] = {"outcome": Outcome.PASS, "recover_s": 0.5, "all_visible_s": 0.0, **rest}
    return BurstFinding(
        arm=arm, path=arm, trial=f"{arm}-burst", base_per_s=100.0, burst_per_s=1_000.0, begin_s=6.0, end_s=7.0,
        answer=answer, stages=stages(*burst), moments=COURSE, **given,  # type: ignore[arg-type]
    )  # fmt: skip


SHED = finding("sync", "shed: 900 of 1,000 refused with 503", (100, 900, Outcome.FAIL), refused_p50_ms=2.0)
ABSORBED = finding("kafka", "absorbed", (1_000, 0, Outcome.PASS), all_visible_s=3.25, lag_highest=800)
DULL = finding(
    "grouped", "", (1_000, 0, Outcome.PASS), outcome=Outcome.INVALID, reasons=["the <b>generator</b> was late"]
)


def result(*findings: BurstFinding, outcome: Outcome = Outcome.PASS, **rest: object) -> Result:
    """Return a run of these."""
    trials = [
        Trial(
            name=one.trial, kind="load", arm=one.arm, block=1, entity="mixed", started_at="", users=5, duration_s=10.0,
            audit=AuditCounts(attempted=2_000, acknowledged=2_000, stored=2_000), cpu_s={"api": 2.0},
        )
        for one in findings
    ]  # fmt: skip
    return Result(
        experiment="stream-ingest", started_at="", finished_at="", seed=1, outcome=outcome,
        options={"rate_per_s": 100.0, "factor": 10.0, "burst_s": 1.0},
        arms=[Arm(name=one.arm, path=one.arm, durability="some") for one in findings], trials=trials,
        verdicts={one.arm: one.outcome for one in findings}, bursts=list(findings),
        reasons=["One burst a path."], **rest,  # type: ignore[arg-type]
    )  # fmt: skip


def text_of(run: Result) -> str:
    """Return the table as it is printed."""
    console = Console(file=io.StringIO(), width=320)
    for table in burst_tables(run, "markdown"):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_each_path_has_a_line_with_what_it_did() -> None:
    """Counts of the burst, p95 of each stage, and what followed."""
    lines = text_of(result(SHED, ABSORBED)).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert ["sync", "burst", "1,000", "1,000", "100", "0", "900", "0", "0", "150", "0", "-", "FAIL"] in rows
    assert ["kafka", "after", "100", "500", "500", "0", "0", "0", "0", "6", "0", "-", "PASS"] in rows
    assert ["sync", "2", "0", "0", "0.5", "0", "0", "PASS: shed: 900 of 1,000 refused with 503"] in rows
    assert ["kafka", "-", "800", "3.25", "0.5", "0", "0", "PASS: absorbed"] in rows


def test_the_answer_says_who_absorbs_and_what_the_log_gave_and_cost() -> None:
    """In the words of the figures."""
    answer = answer_of(result(SHED, ABSORBED))
    assert answer.question == "Who absorbs 1,000 writes a second for 1 s, after 100 a second?"
    assert answer.word == "Absorbed by kafka"
    assert answer.sentence == "sync: shed: 900 of 1,000 refused with 503; kafka: absorbed."
    gave, cost = answer.from_which_load
    assert gave == "What the log gave: of the burst's 1,000 writes kafka answered 1,000 in time, sync 100."
    assert "Up to 800 records" in cost
    assert "visible 3.2 s after its end" in cost
    assert cost.endswith("Processor seconds for 1,000 rows: kafka 1, sync 1.")


def test_what_does_not_tell_is_no_answer() -> None:
    """Its reason stands in the place of one, and nothing is said of what the log gave."""
    answer = answer_of(result(SHED, DULL, outcome=Outcome.INVALID))
    assert answer.word == "Absorbed by none, of 1 paths that tell"
    assert "grouped: not told" in answer.sentence
    assert not answer.from_which_load
    assert answer_of(result(DULL, outcome=Outcome.INVALID)).word == "This run does not tell"
    assert in_words(DULL) == "the <b>generator</b> was late"
    lost = finding("kafka", "absorbed", (1_000, 0, Outcome.PASS), outcome=Outcome.FAIL, lost=2, reasons=["2 lost"])
    assert answer_of(result(SHED, lost, outcome=Outcome.FAIL)).word == "Not all that was acknowledged is there"


def test_the_page_tells_and_draws_it(tmp_path: Path) -> None:
    """Answer, table, two charts a path, and what cannot be shown; reasons stay text."""
    run = result(SHED, ABSORBED, DULL, outcome=Outcome.INVALID)
    write_reports(run, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Who absorbs 1,000 writes a second for 1 s" in page
    assert "&lt;b&gt;generator&lt;/b&gt;" in page
    assert page.count("<figure>") == 6
    assert "How much bursts differ" in page
    assert set(chart_sheets(run, tmp_path)) == {
        f"{arm}-{kind}.svg" for arm in ("sync", "kafka", "grouped") for kind in ("times", "rates")
    }
    suite = junitparser.JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert (suite.tests, suite.failures, suite.errors) == (6, 0, 1)
    assert len((tmp_path / "summary.csv").read_text(encoding="utf-8").splitlines()) == 4


def test_the_summary_has_a_row_a_path() -> None:
    """For a build's page."""
    said = summary_markdown(result(SHED, ABSORBED))
    assert "Absorbed by kafka" in said
    assert "| sync | PASS | 1,000 | 100 | 0 | 900 |" in said


def test_a_run_that_ended_at_once_has_a_page_too(tmp_path: Path) -> None:
    """It says so."""
    run = Result(
        experiment="stream-ingest", started_at="", finished_at="", seed=1, outcome=Outcome.INVALID,
        arms=[Arm(name="kafka", path="kafka", durability="")],
    )  # fmt: skip
    write_reports(run, tmp_path)
    assert "The run ended before its first burst did." in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text_of(run)
