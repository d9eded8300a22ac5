"""What a run through stages looks like: tables on the console, and the page."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from seawall.report.answer import answer_of
from seawall.report.attain_tables import attain_tables, attained_words, bottleneck_lines, shown
from seawall.report.files import write_reports
from seawall.result import (
    Arm,
    JudgedTarget,
    LookupFigures,
    LookupLevel,
    Outcome,
    Quantiles,
    Result,
    ScopeFigures,
    StageFinding,
    Trial,
)


def row(metric: str, limit: str, measured: float | None, outcome: Outcome) -> JudgedTarget:
    """Return a judged target."""
    return JudgedTarget(
        set="always", name=f"the <{metric}>", metric=metric, scope="write", limit=limit, arm="kafka", trials=2,
        measured=measured, outcome=outcome, reason="why [not]",
    )  # fmt: skip


def result(*stages: StageFinding, trials: list[Trial] | None = None) -> Result:
    """Return a run with these stages."""
    return Result(
        experiment="attain", started_at="2026-01-01T00:00:00+00:00", finished_at="", seed=1, outcome=Outcome.FAIL,
        arms=[Arm(name="kafka", path="kafka", durability="1 broker")], trials=trials or [], stages=list(stages),
        reasons=["interrupted before the end"], verdicts={"kafka": Outcome.FAIL},
    )  # fmt: skip


def text_of(found: Result) -> str:
    """Return all tables and lines as they are printed."""
    console = Console(file=StringIO(), width=200)
    for table in attain_tables(found, "ascii"):
        console.print(table)
    for line in bottleneck_lines(found):
        console.print(line)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("metric", "limit", "measured", "outcome", "figure", "attained"),
    [
        ("writes_per_s", ">= 10000 /s", 5_000.0, Outcome.FAIL, "5,000 /s", "50 %"),
        ("writes_per_s", ">= 10000 /s", 10_090.0, Outcome.PASS, "10,090 /s", "100 %"),
        ("availability", ">= 99.9 %", 0.999, Outcome.PASS, "99.9 %", "100 %"),
        ("response_p95_ms", "< 200 ms", 20.0, Outcome.PASS, "20 ms", "100 %"),
        ("response_p95_ms", "< 200 ms", 400.0, Outcome.FAIL, "400 ms", "50 %"),
        ("response_p95_ms", "< 200 ms", None, Outcome.FAIL, "-", "0 %"),
        ("error_ratio", "<= 0.1 %", 0.0, Outcome.PASS, "0 %", "100 %"),
        ("error_ratio", "<= 0.1 %", 0.003, Outcome.FAIL, "0.3 %", "33.3 %"),
        ("lost", "= 0", 0.0, Outcome.PASS, "0", "100 %"),
        ("lost", "= 0", 3.0, Outcome.FAIL, "3", "0 %"),
        ("users", ">= 10000", None, Outcome.INVALID, "-", "-"),
    ],
)
def test_figures_are_in_their_unit_and_hundred_per_cent_is_all(
    metric: str, limit: str, measured: float | None, outcome: Outcome, figure: str, attained: str
) -> None:
    """Where less is better, the limit's share of the figure counts."""
    judged = row(metric, limit, measured, outcome)
    assert (shown(judged), attained_words(judged)) == (figure, attained)


def test_lookups_are_told_beside_the_load() -> None:
    """What was answered by whom and how fast; a share is rounded down, so that 100 % is all of them."""
    levels = {
        "http-cache": LookupLevel(lookups=900, p50_ms=0.2, p99_ms=1.234),
        "memory": LookupLevel(lookups=9_096, p50_ms=0.001, p99_ms=0.004),
        "database": LookupLevel(lookups=4, p50_ms=1.0, p99_ms=2.5),
    }
    figures = LookupFigures(
        lookups=10_000, anew=0, hit_rate=0.99996, queries=4, queries_per_min=8.0, saved=0.9996, levels=levels
    )
    text = text_of(result(HELD, trials=[msgspec.structs.replace(TRIAL, lookups=figures)]))
    line = next(line for line in text.splitlines() if "10,000" in line and "99.99 %" in line)
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "kafka-stage-1-1", "10,000", "99.99 %", "8", "99.96 %", "1.23", "0.004", "-", "2.50", "0",
    ]  # fmt: skip
    assert "lookups" not in text_of(result(HELD, trials=[TRIAL]))


HELD = StageFinding(
    arm="kafka", stage="100 to 1,000", load_per_s=1_000, users=10_000, trials=["kafka-stage-1-1"], outcome=Outcome.PASS,
    targets=[row("response_p95_ms", "< 200 ms", 20.0, Outcome.PASS)],
)  # fmt: skip
SHORT = StageFinding(
    arm="kafka", stage="1,000 to 5,000", load_per_s=5_000, users=10_000, trials=["gone"], outcome=Outcome.FAIL,
    targets=[row("response_p95_ms", "< 200 ms", 400.0, Outcome.FAIL)], bottleneck="api: 95% of one core",
    advice="start more [API] processes",
)  # fmt: skip
NOT_RUN = StageFinding(arm="kafka", stage="5,000 to 10,000", load_per_s=10_000, users=10_000)
TRIAL = Trial(
    name="kafka-stage-1-1", kind="load", arm="kafka", block=0, entity="mixed", started_at="", users=10_000,
    warmup_s=5.0, duration_s=15.0, requests=2_000, unsent=20, status_5xx=40, offered_per_s=1_010.0,
    achieved_per_s=990.0, response_ms=Quantiles(p50=3.0, p95=20.0, samples=2_000), cores={"api": 0.5, "load": 0.2},
    cpu_s={"api": 10.0, "load": 4.0}, rss_bytes={"api": 100 << 20}, disk_bytes={"api": 5 << 20},
    context_switches={"api": 2_000}, network_bytes={"machine": 7 << 20},
    scopes={"cached lookup": ScopeFigures(requests=1_400, failed=14), "write": ScopeFigures(requests=600)},
)  # fmt: skip


def test_the_tables_tell_what_was_attained_and_what_it_took() -> None:
    """Stages that were not run are there too, writes come before lookups, and names are no markup."""
    text = text_of(result(HELD, SHORT, NOT_RUN, trials=[TRIAL]))
    assert "the <response_p95_ms>" in text
    assert "not run" in text
    assert "1.98 %" in text  # 40 of 2,020 answered with 5xx
    assert text.index("  write ") < text.index("  cached lookup ")
    assert "0.50" in text
    assert "the machine received 7 MiB" in text
    assert "kafka 1,000 to 5,000/s: bottleneck: api: 95% of one core. To try: start more [API] processes." in text


@pytest.mark.parametrize("stages", [(HELD, SHORT, NOT_RUN), (NOT_RUN,)], ids=["short", "interrupted at once"])
def test_there_is_a_page_whatever_was_run(stages: tuple[StageFinding, ...], tmp_path: Path) -> None:
    """It says up to which stage the path held, and what to try."""
    found = result(*stages, trials=[TRIAL] if HELD in stages else [])
    write_reports(found, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Are the targets held through all stages of load?" in page
    assert "not run" in page
    assert ("start more [API] processes" in page) is (SHORT in stages)
    assert text_of(found)


def test_the_answer_names_the_highest_stage_that_held() -> None:
    """And what stood in the way of the next."""
    answer = answer_of(result(HELD, SHORT, NOT_RUN))
    assert answer.word == "Not all"
    assert answer.sentence == "kafka held 1 of 3 stages, the highest 100 to 1,000 a second."
    assert answer.from_which_load == [
        "kafka, 1,000 to 5,000 a second: api: 95% of one core. To try: start more [API] processes."
    ]
