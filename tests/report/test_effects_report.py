"""The report of a plan and of a search, from results made up for the purpose."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from seawall.report.effect_tables import cell_table, effect_sentences, effect_tables
from seawall.report.files import write_reports
from seawall.report.search_tables import search_sentence, search_table
from seawall.result import (
    Arm,
    ArmComparison,
    DesignCell,
    EffectFinding,
    Outcome,
    Quantiles,
    Result,
    SearchFinding,
    SearchStep,
    Trial,
)

EFFECTS = [
    EffectFinding(
        metric="response_p95_ms", factors=["linger.ms"], levels=["0 to 25"], ratio=3.5, ci_low=3.1, ci_high=4.0,
        chance=0.0002, significant=True, says="larger", trials=7, aliases=[["acks", "batch.size"]],
    ),
    EffectFinding(
        metric="response_p95_ms", factors=["linger.ms", "batch.size"], levels=["0 to 25", "1 to 2"], ratio=1.02,
        ci_low=0.9, ci_high=1.2, chance=0.9, says="no effect shown", trials=7,
    ),
    EffectFinding(metric="achieved_per_s", factors=["linger.ms"], levels=["0 to 25"], says="too few valid trials"),
]  # fmt: skip


def run(**found: object) -> Result:
    """Return a run of two cells, one of whose trials broke off."""
    trials = [
        Trial(
            name=f"load-{arm}-{block}", kind="load", arm=arm, block=block, entity="mixed", started_at="", users=10,
            schedule_start_ns=1, duration_s=8.0, offered_per_s=100.0, achieved_per_s=100.0, requests=800,
            response_ms=Quantiles(p95=9.0), visible_ms=Quantiles(p95=30.0),
        )
        for arm in ("cell-01", "cell-02")
        for block in range(4)
    ]  # fmt: skip
    broken = Trial(
        name="load-cell-02-4", kind="load", arm="cell-02", block=4, entity="mixed", started_at="", users=10,
        audited=False, outcome=Outcome.INVALID, reasons=["broke off: <kafka-1> is gone"], invalid_because=["broke off"],
    )  # fmt: skip
    arms = [Arm(name=name, path="kafka", durability="1 broker, page cache") for name in ("cell-01", "cell-02")]
    return Result(
        experiment="tune", started_at="2026-11-21T11:00:00+00:00", finished_at="2026-11-21T12:00:00+00:00", seed=1,
        outcome=Outcome.INVALID, arms=arms, trials=[*trials, broken], **found,  # type: ignore[arg-type]
    )  # fmt: skip


def printed(*tables: object) -> str:
    """Return tables as they are printed."""
    console = Console(file=io.StringIO(), width=200)
    for table in tables:
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def plan() -> Result:
    """Return the run of a plan."""
    cells = [DesignCell(arm=f"cell-0{number + 1}", levels={"linger.ms": str(25 * number)}) for number in range(2)]
    return run(cells=cells, effects=EFFECTS)


def test_a_plan_names_effects_aliases_and_what_was_not_shown() -> None:
    """A sentence for what stands out, one for a metric of which nothing can be told, and every row in the tables."""
    told = dict(zip(*zip(*((s, f) for f, s in effect_sentences(plan())), strict=True), strict=True))
    first, second = told
    assert told == {first: True, second: False}
    assert first.startswith("response p95: linger.ms from 0 to 25 makes it 3.5 (3.1 to 4) times as large")
    assert first.endswith("aliased with acks x batch.size")
    assert second == "records per second: too few valid trials"
    text = printed(cell_table(plan(), "ascii"), *effect_tables(plan(), "ascii"))
    assert "4 of 5" in text
    assert "linger.ms x batch.size" in text
    assert "no effect shown" in text


def test_the_page_of_a_plan_draws_its_effects(tmp_path: Path) -> None:
    """A picture for the metric that is known of, numbered as the table; a broken trial is on it with its reason."""
    write_reports(plan(), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Which of these knobs matter, and which of them together?" in page
    assert page.count('role="img"') == 1
    assert "1. linger.ms: 3.5 times (larger); aliased with acks x batch.size" in page
    assert "broke off: &lt;kafka-1&gt; is gone" in page
    lines = (tmp_path / "summary.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 10
    assert (tmp_path / "junit.xml").exists()


def test_a_search_says_what_its_fresh_trials_bear(tmp_path: Path) -> None:
    """The way, the ratio, and what the better setting costs."""
    steps = [
        SearchStep(round=1, arm="cell-01", trials=1, figure=10.0, stays=True),
        SearchStep(round=1, arm="cell-02", trials=0),
    ]
    found = SearchFinding(
        goal="visible-p95", metric="visible_p95_ms", base="cell-01", steps=steps, arm="cell-02", ratio=0.5, ci_low=0.4,
        ci_high=0.6, chance=0.01, trials=6, better=True, says="better",
    )  # fmt: skip
    cost = ArmComparison(
        base="cell-01", arm="cell-02", metric="cpu_s_per_1000_rows", kind="load", entity="mixed", ratio=1.3,
        significant=True, says="larger",
    )  # fmt: skip
    result = run(search=found, comparisons=[cost])
    said = (
        "cell-02: better; visible p95 0.5 times that of the cell-01 (95 % interval 0.4 to 0.6), over 6 fresh trials"
        " each"
    )
    assert search_sentence(found) == said
    write_reports(result, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert said in page
    assert "CPU per 1,000 rows 1.3 times (larger)" in page
    assert "The way of the search" in page
    assert "stays" in printed(search_table(found, "ascii"))
