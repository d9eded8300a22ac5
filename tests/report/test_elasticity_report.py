"""Tables, page and test cases of a run in which processes came and went."""

from __future__ import annotations

import io
from pathlib import Path

import junitparser
from rich.console import Console

from seawall.report.elasticity_tables import elasticity_lines, elasticity_tables
from seawall.report.files import write_reports
from seawall.result import (
    Arm,
    AuditCounts,
    ElasticityFinding,
    ElasticityMoment,
    ElasticityStep,
    Outcome,
    Result,
    Trial,
)

STEPS = [
    ElasticityStep(
        at_s=4.0, before=1, after=3, why="lag 700, <b>200</b> each", settle_s=2.5, back_s=None, outcome=Outcome.PASS,
        reason="the next step, or the end, came after 2 s",
    ),
    ElasticityStep(
        at_s=6.0, before=3, after=4, why="lag 900", settle_s=3.0, back_s=6.0, asked=True, outcome=Outcome.PASS
    ),
    ElasticityStep(
        at_s=30.0, before=4, after=3, why="lag 0", settle_s=6.1, back_s=20.0, asked=True, outcome=Outcome.FAIL,
        reason="it took 20 s",
    ),
]  # fmt: skip
MOMENTS = [
    ElasticityMoment(
        at_s=number + 0.5, offered_per_s=100.0, response_p95_ms=5.0, visible_p95_ms=40.0 + 300 * (8 < number < 12),
        lag=number, wanted=1 + 2 * (number > 4), running=1 + 2 * (number > 6),
    )
    for number in range(60)
]  # fmt: skip


def result(outcome: Outcome = Outcome.FAIL) -> Result:
    """Return a run of these."""
    trial = Trial(
        name="t", kind="load", arm="kafka", block=1, entity="mixed", started_at="", users=5, duration_s=60.0,
        audit=AuditCounts(attempted=6_000, acknowledged=6_000, stored=6_000), outcome=outcome,
    )  # fmt: skip
    finding = ElasticityFinding(
        what="sinks", by="KEDA: a lag of 200 a sink", faster=4.0, arm="kafka", trial="t", least=1, most=4, steps=STEPS,
        moments=MOMENTS, unknown={"lag: Kafka does not answer": 3}, outcome=outcome, reasons=["4 to 3 at 30 s: late"],
    )  # fmt: skip
    return Result(
        experiment="scale", started_at="", finished_at="", seed=1, outcome=outcome, trials=[trial],
        arms=[Arm(name="kafka", path="kafka", durability="1 broker, page cache")], verdicts={"kafka": outcome},
        elasticity=[finding],
    )  # fmt: skip


def test_each_step_has_a_line_with_what_clients_saw() -> None:
    """When it was there, when times were back, the worst of them until the next step, and by what it was decided."""
    console = Console(file=io.StringIO(), width=240)
    for table in elasticity_tables(result(), "markdown"):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in console.file.getvalue().splitlines()
        if "lag" in line
    ]
    assert rows == [
        ["4.0", "1", "3", "2.5", "-", "40", "lag 700, <b>200</b> each", f"not asked: {STEPS[0].reason}"],
        ["6.0", "3", "4", "3.0", "6", "340", "lag 900", "PASS"],
        ["30.0", "4", "3", "6.1", "20", "40", "lag 0", "FAIL: it took 20 s"],
    ]


def test_the_lines_below_say_who_decided_and_what_was_not_known() -> None:
    """With what was lost and failed."""
    text = "\n".join(elasticity_lines(result().elasticity[0]))
    assert "decided by KEDA: a lag of 200 a sink" in text
    assert "1 to 4 sinks; a step was there after 2.5 to 6.1 s, times were back after 20 s at most" in text
    assert "not known at 3 looks, and nothing scaled down by it: lag: Kafka does not answer" in text


def test_the_page_answers_and_shows_the_course(tmp_path: Path) -> None:
    """Three pictures and a row a step; words of others are escaped."""
    write_reports(result(), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Can sinks come and go under load?" in page
    assert page.count("<figure>") == 3
    assert "lag 700, &lt;b&gt;200&lt;/b&gt; each" in page
    assert "Of 6,000 acknowledged records 0 were lost" in page
    assert "Not known at 3 looks" in page


def test_build_servers_see_a_case_a_step_that_was_asked(tmp_path: Path) -> None:
    """And one of the whole."""
    write_reports(result(), tmp_path)
    (suite,) = junitparser.JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    cases = {case.name: [type(one).__name__ for one in case.result] for case in suite}
    assert cases["3 to 4 at 6 s"] == []
    assert cases["4 to 3 at 30 s"] == ["Failure"]
    assert cases["sinks come and go, and no request fails"] == ["Failure"]
    assert "1 to 3 at 4 s" not in cases
