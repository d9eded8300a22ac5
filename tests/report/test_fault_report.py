"""The tables and the page of a run of faults."""

from __future__ import annotations

import io
from pathlib import Path

import junitparser
from rich.console import Console

from seawall.report.fault_tables import fault_tables, in_words
from seawall.report.files import write_reports
from seawall.report.page.chart_files import chart_sheets
from seawall.result import Arm, AuditCounts, FaultFinding, FaultMoment, Outcome, Result, Trial


def finding(name: str, outcome: Outcome = Outcome.PASS, **rest: object) -> FaultFinding:
    """Return what came of a fault."""
    given = {"begin_s": 4.0, "end_s": 6.0, "bit": "it <bit>", "detect_s": 0.25, "recover_s": 1.5, "seed": 7, **rest}
    return FaultFinding(name=name, does=f"does {name}", arm="kafka", trial="t", outcome=outcome, **given)  # type: ignore[arg-type]


COURSE = [
    FaultMoment(
        at_s=0.125 + number / 4, accepted_per_s=400.0, failed_per_s=100.0 if 16 <= number < 24 else 0.0,
        response_p95_ms=5.0 + number, visible_p95_ms=50.0, lag=number,
    )
    for number in range(40)
]  # fmt: skip
BORNE = finding("kill-broker", failed=800, unknown=800, absorbed=12, refused_p50_ms=3.0, moments=COURSE)
LOST = finding("kill-api", Outcome.FAIL, lost=2, reasons=["2 lost, the first <b>that</b>"])
DULL = finding("pause-valkey", Outcome.INVALID, detect_s=None, bit="", reasons=["it did not bite"])


def result(*faults: FaultFinding, chaos: int = 0, outcome: Outcome = Outcome.FAIL) -> Result:
    """Return a run of these."""
    trial = Trial(
        name="t", kind="load", arm="kafka", block=1, entity="mixed", started_at="", users=5, duration_s=10.0,
        audit=AuditCounts(attempted=4_000, acknowledged=3_200, stored=3_198, lost=2),
    )  # fmt: skip
    return Result(
        experiment="fault", started_at="", finished_at="", seed=1, outcome=outcome, options={"chaos": chaos},
        arms=[Arm(name="kafka", path="kafka", durability="1 broker, page cache")], trials=[trial], faults=list(faults),
        verdicts={"kafka": outcome}, reasons=["no kill proves what a power failure would leave"],
    )  # fmt: skip


def text_of(run: Result) -> str:
    """Return the tables as they are printed."""
    console = Console(file=io.StringIO(), width=220)
    for table in fault_tables(run, "markdown"):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_each_fault_has_a_line_with_what_it_did() -> None:
    """Times, counts, outcome and reasons; what was not noticed has no time."""
    lines = text_of(result(BORNE, LOST, DULL)).splitlines()
    (line,) = [line for line in lines if "kill-broker" in line]
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "kill-broker", "7", "4.0", "2.0", "0.25", "1.5", "800", "3", "0", "800", "12", "0", "0", "PASS",
    ]  # fmt: skip
    assert any("kill-api" in line and "<b>that</b>" in line for line in lines)
    assert any("pause-valkey" in line and "it did not bite" in line for line in lines)


def test_many_random_ones_have_a_tally_and_the_seeds_of_those_that_failed() -> None:
    """Those that were borne have no line of their own."""
    text = text_of(result(BORNE, BORNE, LOST, chaos=3))
    assert "Random faults: how they came out" in text
    (tally, *_) = [line for line in text.splitlines() if line.strip("| ").startswith("kill-broker")]
    assert [cell.strip() for cell in tally.strip("|").split("|")][:4] == ["kill-broker", "2", "2", "-"]
    (mine,) = [line for line in text.splitlines() if "FAIL:" in line]
    assert "kill-api" in mine
    assert "7" in mine
    assert "Those that did not come out well" not in text_of(result(BORNE, chaos=1, outcome=Outcome.PASS))


def test_a_line_in_words_says_what_matters() -> None:
    """What did not happen is left out, but for loss and doubling."""
    assert in_words(BORNE) == (
        "noticed after 0.25 s, as before 1.5 s after its end, 800 failed, 800 unknown, 12 repeated and absorbed,"
        " 0 lost, 0 doubled"
    )
    assert in_words(finding("kill-sink", detect_s=None)) == (
        "nobody noticed, as before 1.5 s after its end, 0 lost, 0 doubled"
    )
    assert in_words(DULL) == "it did not bite"


def test_the_page_tells_and_draws_it(tmp_path: Path) -> None:
    """Answer, table, two charts for each course, and what cannot be shown; names and reasons stay text."""
    run = result(BORNE, LOST, DULL)
    write_reports(run, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Does the service bear it when something goes wrong?" in page
    assert "Not always" in page
    assert "&lt;b&gt;that&lt;/b&gt;" in page
    assert page.count("<figure>") == 2
    assert "What a power failure leaves" in page
    assert set(chart_sheets(run, tmp_path)) == {"kill-broker-times.svg", "kill-broker-rates.svg"}
    suite = junitparser.JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert (suite.tests, suite.failures, suite.errors) == (4, 1, 1)


def test_a_run_that_ended_at_once_has_a_page_too(tmp_path: Path) -> None:
    """It says so."""
    run = Result(
        experiment="fault", started_at="", finished_at="", seed=1, outcome=Outcome.INVALID,
        arms=[Arm(name="kafka", path="kafka", durability="")],
    )  # fmt: skip
    write_reports(run, tmp_path)
    assert "The run ended before its first fault did." in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text_of(run)
