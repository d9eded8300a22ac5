"""The law of a scale-out as table, words, picture and page, from results made up for the purpose."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from rich.console import Console

from seawall.report.errors import NoPicture
from seawall.report.page.page import render
from seawall.report.page.scaling_picture import scaling_picture, write_scaling_picture
from seawall.report.scale_tables import scale_lines, scale_table
from seawall.result import (
    Arm,
    CurvePoint,
    Estimate,
    Outcome,
    Result,
    ScaleFinding,
    ScalePoint,
    Trial,
    read_result,
    write_result,
)

COUNTS = range(1, 7)
LAW = {
    "gamma": Estimate(value=5_000, low=4_900, high=5_100),
    "alpha": Estimate(value=0.05, low=0.04, high=0.06),
    "beta": Estimate(value=0.01, low=0.005, high=0.015),
    "peak": Estimate(value=9.7, low=8.0, high=14.0),
    "curve": [
        CurvePoint(count=n, per_s=Estimate(value=4_000 * n, low=3_900 * n, high=4_100 * n)) for n in range(1, 13)
    ],
}  # fmt: skip


def result(*, law: bool = True) -> Result:
    """Return a scale-out of six numbers whose last point is not part of the law."""
    points = [
        ScalePoint(
            count=n, trial=f"sinks-{n}-1", cost_us=200.0 + n, projected_per_s=4_000.0 * n, busiest=1.1,
            machine_busy=0.1 * n, rebalances=0, invalid_because=["the machine <was> busy"] if n == 6 else [],
        )
        for n in COUNTS
    ]  # fmt: skip
    trials = [
        Trial(name=f"sinks-{n}-1", kind="load", arm=f"sinks-{n}", block=0, entity="mixed", started_at="", users=n,
              offered_per_s=300.0 * n, achieved_per_s=300.0 * n, duration_s=15.0)
        for n in COUNTS
    ]  # fmt: skip
    return Result(
        experiment="scale", started_at="2026-11-21T00:00:00+00:00", finished_at="", seed=1,
        outcome=Outcome.PASS if law else Outcome.INVALID,
        arms=[Arm(name=f"sinks-{n}", path="kafka", durability="1 broker, page cache") for n in COUNTS],
        trials=trials,
        scaling=[
            ScaleFinding(what="sinks", points=points, **LAW)  # type: ignore[arg-type]
            if law
            else ScaleFinding(what="sinks", points=points, reason="no law is fitted: too few")
        ],
    )  # fmt: skip


def test_the_picture_is_broken_beyond_the_data_and_has_its_band(tmp_path: Path) -> None:
    """A whole SVG file with a mark a point; the one that was left out is hollow and says why."""
    write_scaling_picture(result(), tmp_path / "scaling.svg")
    text = (tmp_path / "scaling.svg").read_text(encoding="utf-8")
    ET.fromstring(text)  # noqa: S314 - our own
    assert text.count('class="band') == 1
    solid, dashed = (part.split('points="')[1].split('"')[0] for part in text.split("<polyline")[1:])
    assert len(solid.split()) == 5
    assert len(dashed.split()) == 8
    assert solid.split()[-1] == dashed.split()[0]
    assert text.count('class="mark arm-0"') == 5
    assert text.count('class="mark arm-0 faint"') == 1
    assert "the machine &lt;was&gt; busy" in text
    assert "What more sinks would carry" in text
    assert "not measured" in text


def test_points_without_a_law_are_drawn_alone() -> None:
    """No line, no band; and nothing at all where nothing was scaled."""
    text = scaling_picture(result(law=False))
    assert "<polyline" not in text
    assert 'class="band' not in text
    with pytest.raises(NoPicture):
        scaling_picture(Result(experiment="compare", started_at="", finished_at="", seed=1, outcome=Outcome.PASS))


def test_table_and_words_call_it_projected() -> None:
    """Never measured; parameters with their intervals, and why a point is left out."""
    console = Console(width=300, record=True)
    found = result().scaling[0]
    console.print(scale_table(found, result(), "simple"))
    text = console.export_text() + "\n".join(scale_lines(found))
    for words in (
        "Projected and not measured", "the machine <was> busy", "5,000 [4,900 to 5,100]", "0.0500 [0.0400 to 0.0600]",
        "0.01000 [0.00500 to 0.01500]", "9.7 [8.0 to 14.0]",
    ):  # fmt: skip
        assert words in text
    assert "no law is fitted" in "\n".join(scale_lines(result(law=False).scaling[0]))


@pytest.mark.parametrize("law", [True, False])
def test_the_page_tells_the_law_or_why_there_is_none(*, law: bool, tmp_path: Path) -> None:
    """From the file, as `report` makes it again."""
    write_result(result(law=law), tmp_path / "result.json")
    page = render(read_result(tmp_path / "result.json"), {})
    assert "What would more sinks carry?" in page
    assert ("5 carry 4.0 times as much as one" in page) is law
    assert ("No law was fitted" in page) is not law
    assert "the machine &lt;was&gt; busy" in page
    assert 'class="mark arm-0' in page
