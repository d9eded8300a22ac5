"""Beside the levels of a knob stands what is left on disk, and what changes of the sinks' group came to."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from typing import Any

import msgspec

from seawall.experiments.arms import ArmPlan
from seawall.experiments.level_effects import compare_levels
from seawall.report.answer import answer_of
from seawall.report.figure_table import FigureTable, console_tables
from seawall.report.files import write_reports
from seawall.report.page.chart import shortened
from seawall.report.page.picture_choice import pictures_of
from seawall.report.sweep_tables import disk_table, rebalance_table, sweep_tables
from seawall.report.tune_tables import effects
from seawall.result import (
    Arm,
    AuditCounts,
    DiskFigures,
    LogFigures,
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
            **{"audit": AuditCounts(attempted=800, acknowledged=800, stored=800)}
            | {field: values[place] for field, values in of_each.items()},
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


def cells(table: FigureTable, column: str) -> list[str]:
    """Return what stands in a column."""
    place = table.columns.index(column)
    return [row.cells[place] for row in table.rows]


def beside() -> Result:
    """Return a sweep that looked at the disk, and in which the group changed and sinks were killed."""
    disks = (
        DiskFigures(written=800, records=800, size_bytes=160_000, segments=3, allocated_bytes=200_000),
        DiskFigures(written=800, segments=3, allocated_bytes=30_000, at_rest=False),
    )
    before = RebalanceFigures(what="before", partitions=12, longest_stop_ms=90)
    stops = tuple(
        [
            before,
            *(RebalanceFigures(what=what, partitions=12, stopped=4, longest_stop_ms=ms) for what in ("join", "kill")),
        ]
        for ms in (50, 6_400)
    )
    audits = (
        AuditCounts(attempted=800, stored=800, absorbed_duplicates=3),
        AuditCounts(attempted=800, stored=780, lost=20),
    )
    logs = tuple(
        LogFigures(records=800, requests=requests, fetches=90, records_per_request=800 / requests)
        for requests in (80, 160)
    )
    result = swept(disk=disks, rebalances=stops, audit=audits, restarts=({"sink-1": 2},) * 2, log=logs)
    return msgspec.structs.replace(result, options={"kill": "sink"})


def test_less_on_disk_is_an_effect_and_stands_beside_its_level() -> None:
    """Nothing left is a figure, too, and no ratio of zero."""
    disk = DiskFigures(written=800, records=800, size_bytes=160_000, segments=3, allocated_bytes=200_000)
    nothing = DiskFigures(written=800, segments=3, allocated_bytes=30_000, at_rest=False)
    result = swept(disk=(disk, nothing))
    said = "retention.bytes=65536: bytes left on disk for each record smaller"
    assert list(effects(result)) == [said]
    answer = answer_of(result)
    assert (answer.word, answer.from_which_load) == ("It changes something", [f"{said}."])
    (table,) = disk_table(result)
    assert cells(table, "share") == ["100.0%", "0.0%"]
    assert cells(table, "a record written") == ["200.0", "0.0"]
    assert "still tidying up" in table.caption


def test_stops_are_told_by_level_and_change() -> None:
    """The longest one that a change brought is held against the base; the time before is not."""
    before = RebalanceFigures(what="before", partitions=12, longest_stop_ms=900)
    short, long = (RebalanceFigures(what="kill", partitions=12, stopped=4, longest_stop_ms=ms) for ms in (50, 6_400))
    result = swept(rebalances=([before, short], [before, long]))
    assert [trial.longest_stop_ms for trial in result.trials[:2]] == [50, 6_400]
    assert list(effects(result)) == ["retention.bytes=65536: longest stop of a partition larger (128 times)"]
    (table,) = rebalance_table(result)
    assert cells(table, "longest stop ms") == ["900", "50", "900", "6,400"]
    assert cells(table, "change") == ["before", "kill"] * 2


def test_too_few_trials_to_tell_are_no_word_on_the_knob() -> None:
    """Of two levels four trials each can show nothing at 19 of 20 sweeps, however large the effect."""
    disks = (DiskFigures(written=800, size_bytes=160_000), DiskFigures(written=800, size_bytes=160))
    result = swept(4, disk=disks)
    assert list(effects(result)) == ["retention.bytes=65536: too few valid trials to tell"]
    assert answer_of(result).word == "This run does not tell"


def test_sweeps_of_other_knobs_have_neither(tmp_path: Path) -> None:
    """And the figures come back from a file as they were."""
    assert [*disk_table(swept()), *rebalance_table(swept())] == []
    assert list(pictures_of(swept(), {}))[1:] == []  # beside the one that every comparison has
    result = swept(disk=(DiskFigures(written=1), DiskFigures(written=2)))
    write_result(result, tmp_path / "result.json")
    assert read_result(tmp_path / "result.json").trials == result.trials


def test_the_page_shows_what_the_console_does(tmp_path: Path) -> None:
    """Every table with all its cells, and a picture of the disk, of stops and of kills."""
    result = beside()
    tables = sweep_tables(result)
    assert len(list(console_tables(tables, "ascii"))) == len(tables) == 4
    kills = tables[-1]
    assert [cells(kills, name) for name in ("kills", "read again", "lost")] == [["12"] * 2, ["18", "0"], ["0", "120"]]
    write_reports(result, tmp_path)
    answer = answer_of(result)
    assert answer.word == "Some levels lost records"
    assert answer.sentence.startswith("retention.bytes=65536 lost records that")
    page = unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    for table in tables:
        assert f'aria-label="{table.title}"' in page
        assert all(f">{cell}</" in page for row in table.rows for cell in row.cells)
    for said in ("-1: 200.0 bytes of records", "65536, kill: 6,400 ms", "65536: 120 lost"):
        assert f"<title>retention.bytes={said}</title>" in page


def test_levels_without_room_beneath_a_picture_are_numbered() -> None:
    """In the order of the table, rather than one over the other."""
    result = beside()
    (disk, *_) = pictures_of(result, {})
    assert ">65536</text>" in disk.svg
    named = msgspec.structs.replace(result.arms[0], name="partitioner=a-name-of-more-letters-than-there-is-room")
    renamed = [msgspec.structs.replace(one, arm=named.name) if one.arm == LEVELS[0] else one for one in result.trials]
    (disk, *_) = pictures_of(msgspec.structs.replace(result, arms=[named, result.arms[1]], trials=renamed), {})
    assert ">1</text>" in disk.svg
    assert ">65536</text>" not in disk.svg


def test_a_line_is_named_by_its_level() -> None:
    """Since all levels begin with the name of their knob."""
    assert shortened("SEAWALL_SINK_OFFSET_COMMITS=batch") == "batch"
    assert shortened("SEAWALL_SINK_OFFSET_COMMITS") == "SEAWALL_SINK_…"
    assert shortened("linger.ms=10") == "linger.ms=10"
