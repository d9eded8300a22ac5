"""What a run with many groups says, on console, page and summary."""

from __future__ import annotations

from pathlib import Path

from seawall.experiments.fanout_judgement import targets_of
from seawall.report.answer import answer_of
from seawall.report.files import write_reports
from seawall.report.scenarios import scenario_tables
from seawall.report.summary_markdown import summary_markdown
from seawall.result import Arm, Outcome, Result
from seawall.result.fanout import (
    DATABASE,
    FANOUT,
    LOG,
    SLOW,
    STUMBLING,
    FanoutFinding,
    GroupFigures,
    RebuildFinding,
)

STORE = GroupFigures(name="store-1", kind="store", done=500, per_s=1_000.0, cpu_s=0.5, right=True, said="500 rows")
INDEX = GroupFigures(name="search-1", kind="search", done=500, per_s=800.0, right=True, said="<5> questions")


def finding(arm: str, count: int, kept: float | None = None, **rest: object) -> FanoutFinding:
    """Return a trial."""
    return FanoutFinding(
        arm=arm, trial=f"{arm}-{count}", count=count, records=500, groups=[STORE, INDEX], store_per_s=1_000.0,
        store_kept=kept, store_kept_per_cpu_s=None if kept is None else 0.9, outcome=Outcome.PASS, **rest,  # type: ignore[arg-type]
    )  # fmt: skip


FINDINGS = [
    finding(LOG, 1), finding(LOG, 8, 0.3, cores=1.8, machine_cores=2), finding(DATABASE, 8, 0.25),
    finding(LOG, 8, what=SLOW, others_kept=0.97), finding(LOG, 8, what=STUMBLING),
]  # fmt: skip


def result(*findings: FanoutFinding, outcome: Outcome = Outcome.PASS) -> Result:
    """Return a run of these."""
    rebuilt = [RebuildFinding(rows=500, built=500, took_s=2.5, outcome=Outcome.PASS)]
    return Result(
        experiment=FANOUT, started_at="", finished_at="", seed=1, outcome=outcome,
        options={"groups": [1, 8], "records": 500},
        arms=[Arm(name=one, path="kafka", durability="some") for one in (LOG, DATABASE)],
        fanout=list(findings), rebuilt=rebuilt, targets=list(targets_of(findings, rebuilt)),
    )  # fmt: skip


def test_the_answer_says_what_storing_kept_and_what_else_happened() -> None:
    """With the reason where it kept less."""
    answer = answer_of(result(*FINDINGS))
    assert answer.question.startswith("What does storing lose when up to 8 groups read the same 500 orders")
    assert answer.word == "30% of its throughput is left beside 7 others"
    assert "database, 8 groups: storing kept 25% of what it has alone" in answer.sentence
    said = " ".join(answer.from_which_load)
    assert "of 2 cores 1.8 were busy with it, which 8 groups share" in said
    assert "Beside a slow group, by the log, each other one kept 97% of its pace at least." in said
    assert "built again from the log's first record on in 2.5 s: 500 rows, 0 that differ" in said
    assert answer_of(result(outcome=Outcome.INVALID)).word == "Nothing was measured"
    assert answer_of(result(*FINDINGS, outcome=Outcome.FAIL)).word == "Not all of it is right and kept"


def test_each_trial_and_each_group_has_a_row() -> None:
    """And so has the lost table."""
    trials, groups, lost = scenario_tables(result(*FINDINGS))
    assert trials.rows[1].cells == (LOG, "8", "plain", "500", "1,000", "30%", "90%", "-", "1.8", "0", "0", "0")
    assert len(groups.rows) == 10
    assert lost.rows[0].cells == ("500", "500", "0", "2.5")


def test_page_and_summary_tell_it(tmp_path: Path) -> None:
    """What a group says stays text."""
    run = result(*FINDINGS)
    write_reports(run, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "&lt;5&gt; questions" in page
    assert "Groups on machines of their own" in page
    assert "storing keeps its throughput for the same processor time" in (tmp_path / "junit.xml").read_text("utf-8")
    assert "| log | PASS |" in summary_markdown(run)
