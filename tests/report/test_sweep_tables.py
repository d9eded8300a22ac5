"""Beside the levels of a knob stands what is left on disk, and what changes of the sinks' group came to."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from seawall.experiments.arms import ArmPlan
from seawall.experiments.level_effects import compare_levels
from seawall.report.tune_tables import disk_table, effects, rebalance_table
from seawall.result import (
    Arm,
    AuditCounts,
    DiskFigures,
    Outcome,
    Quantiles,
    RebalanceFigures,
    Result,
    Trial,
    read_result,
    write_result,
)

LEVELS = ("retention.bytes=-1", "retention.bytes=65536")


def swept(trials_each: int = 6, **of_each: tuple[Any, ...]) -> Result:
    """Return a sweep of two levels; *of_each* names fields, and their values at either level."""
    trials = [
        Trial(
            name=f"{level}-{number}", kind="load", arm=level, block=number // 2, entity="users", started_at="",
            users=10, achieved_per_s=100.0 + number, response_ms=Quantiles(p95=20.0 + number),
            visible_ms=Quantiles(p95=60.0 + number), cpu_s={"api": 2.0 + number / 10}, outcome=Outcome.PASS,
            audit=AuditCounts(attempted=800, acknowledged=800, stored=800),
            **{field: values[place] for field, values in of_each.items()},
        )
        for number in range(trials_each)
        for place, level in enumerate(LEVELS)
    ]  # fmt: skip
    arms = [Arm(name=level, path="kafka", durability="1 broker, page cache") for level in LEVELS]
    plans = [ArmPlan(name=level, path="kafka") for level in LEVELS]
    return Result(
        experiment="tune", started_at="", finished_at="", seed=1, outcome=Outcome.PASS, options={}, environment={},
        arms=arms, trials=trials, comparisons=compare_levels(plans, arms, trials), targets=[], verdicts={},
    )  # fmt: skip


def shown(tables: list[Any]) -> str:
    """Return what a wide console shows of *tables*."""
    console = Console(width=220, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123 - nobody reads it
    for table in tables:
        console.print(table)
    return console.export_text()


def test_less_on_disk_is_an_effect_and_stands_beside_its_level() -> None:
    """Nothing left is a figure, too, and no ratio of zero."""
    disk = DiskFigures(written=800, records=800, size_bytes=160_000, segments=3, allocated_bytes=200_000)
    nothing = DiskFigures(written=800, segments=3, allocated_bytes=30_000, at_rest=False)
    result = swept(disk=(disk, nothing))
    assert list(effects(result)) == ["retention.bytes=65536: left_bytes_per_record smaller"]
    text = shown(disk_table(result, "ascii"))
    assert "100.0%" in text
    assert "200.0" in text
    assert "still tidying up" in text


def test_stops_are_told_by_level_and_change() -> None:
    """The longest one that a change brought is held against the base; the time before is not."""
    before = RebalanceFigures(what="before", partitions=12, longest_stop_ms=900)
    short, long = (RebalanceFigures(what="kill", partitions=12, stopped=4, longest_stop_ms=ms) for ms in (50, 6_400))
    result = swept(rebalances=([before, short], [before, long]))
    assert [trial.longest_stop_ms for trial in result.trials[:2]] == [50, 6_400]
    assert list(effects(result)) == ["retention.bytes=65536: longest_stop_ms larger"]
    text = shown(rebalance_table(result, "ascii"))
    assert "6,400" in text
    assert text.count("before") == 2


def test_too_few_trials_to_tell_are_no_word_on_the_knob() -> None:
    """Of two levels four trials each can show nothing at 19 of 20 sweeps, however large the effect."""
    disks = (DiskFigures(written=800, size_bytes=160_000), DiskFigures(written=800, size_bytes=160))
    assert list(effects(swept(4, disk=disks))) == ["retention.bytes=65536: too few valid trials to tell"]


def test_sweeps_of_other_knobs_have_neither(tmp_path: Any) -> None:
    """And the figures come back from a file as they were."""
    assert disk_table(swept(), "ascii") == rebalance_table(swept(), "ascii") == []
    result = swept(disk=(DiskFigures(written=1), DiskFigures(written=2)))
    write_result(result, tmp_path / "result.json")
    assert read_result(tmp_path / "result.json").trials == result.trials
