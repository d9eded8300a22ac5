"""A load that changed is told stage by stage, on the console, in the page, in Markdown and in the Verdict tab."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from seawall.report.page.page import render
from seawall.report.shape_table import shape_table
from seawall.report.shape_words import break_words
from seawall.report.standing_rows import standing_rows
from seawall.report.summary_markdown import summary_markdown
from seawall.result import Arm, Outcome, Quantiles, Result, StageFinding, Trial

PASS, FAIL, OPEN = Outcome.PASS, Outcome.FAIL, None


def stage(number: int, rate: float, outcome: Outcome | None, *, rises_from: float | None = None) -> StageFinding:
    """Return a stage of two seconds."""
    over = outcome is not OPEN
    return StageFinding(
        arm="shop", stage=f"step <{number}>", load_per_s=rate, users=5, judged=rises_from is None,
        begins_s=2.0 * number, duration_s=2.0, from_per_s=rate if rises_from is None else rises_from, to_per_s=rate,
        planned=int(2 * rate), sent=int(2 * rate) - 3, unsent=3, achieved_per_s=rate - 1.5 if over else None,
        response_ms=Quantiles(p50=2.5, p95=7.25, p99=9.5, samples=10) if over else Quantiles(),
        trials=[f"step <{number}>"] if over else [], outcome=outcome,
    )  # fmt: skip


def result(*stages: StageFinding) -> Result:
    """Return the result of a plain run."""
    whole = Trial(
        name="locust", kind="load", arm="shop", block=0, entity="orders", started_at="2026-11-29T09:00:00", users=5,
        requests=100, unsent=3, offered_per_s=10.0, achieved_per_s=9.0, duration_s=8.0,
    )  # fmt: skip
    return Result(
        experiment="locust", started_at="2026-11-29T09:00:00", finished_at="2026-11-29T09:00:09", seed=1,
        outcome=FAIL, options={"shape": "Breakpoint", "peak_rate": 300.0}, trials=[whole], stages=list(stages),
        arms=[Arm(name="shop", path="http", durability="as the service promises")], verdicts={"shop": FAIL},
    )  # fmt: skip


RISING = result(stage(0, 100, PASS), stage(1, 200, PASS), stage(2, 300, FAIL), stage(3, 400, OPEN))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (RISING, "held up to step <1> (200 a second); the first that did not was step <2> (300 a second): FAIL"),
        (result(stage(0, 100, FAIL), stage(1, 200, PASS)), "no stage held; the first that did not was step <0>"),
        (result(stage(0, 100, PASS), stage(1, 200, PASS)), "held up to step <1> (200 a second), which was the last"),
        (result(stage(0, 100, PASS), stage(1, 200, OPEN)), "step <1> (200 a second): not run to its end"),
    ],
)
def test_where_it_broke_is_said(found: Result, words: str) -> None:
    """The last stage that held, and the first that did not."""
    assert words in break_words(found)


@pytest.mark.parametrize(
    "found",
    [
        result(stage(0, 100, PASS), stage(1, 100, FAIL)),
        result(stage(0, 100, PASS), stage(1, 300, FAIL), stage(2, 100, PASS)),
        result(stage(0, 100, PASS)),
        result(),
    ],
)
def test_nothing_breaks_where_rates_do_not_rise(found: Result) -> None:
    """A spike, a soak, or a single plateau has no such stage."""
    assert break_words(found) == ""


def test_every_stage_is_in_every_table() -> None:
    """Planned, sent and not sent, times, verdict; a ramp is not judged; names are shown as they are."""
    found = result(stage(0, 100, PASS), stage(1, 300, OPEN, rises_from=100), stage(2, 300, FAIL), stage(3, 400, OPEN))
    console = Console(file=io.StringIO(), width=200)
    console.print(shape_table(found, "simple"))
    assert isinstance(console.file, io.StringIO)
    lines = [line.split() for line in console.file.getvalue().splitlines() if "step <" in line]
    assert lines == [
        ["step", "<0>", "100", "2", "200", "197", "3", "98.5", "2.5", "7.25", "9.5", "PASS"],
        ["step", "<1>", "100", "to", "300", "2", "600", "597", "3", "-", "-", "-", "-", "not", "judged"],
        ["step", "<2>", "300", "2", "600", "597", "3", "298", "2.5", "7.25", "9.5", "FAIL"],
        ["step", "<3>", "400", "2", "800", "797", "3", "-", "-", "-", "-", "not", "run", "to", "its", "end"],
    ]
    page = render(found, {})
    assert page.count("step &lt;") >= 4
    assert "not run to its end" in page
    assert "The load over time" in page
    assert "asked for" not in page.partition("</svg>")[0]
    assert "Through Breakpoint, up to 300 requests a second, by 5 users" in page
    markdown = summary_markdown(found)
    assert markdown.count("step ") >= 4
    assert "| not run to its end |" in markdown
    rows = [row for row in standing_rows(found, verdict="verdict") if row.what.startswith("stage ")]
    assert [row.verdict for row in rows] == ["PASS", "", "FAIL", ""]
    assert rows[2].why == "planned 600, sent 597, not sent 3; p95 7.25 ms"
