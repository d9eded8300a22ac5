"""The pictures of stored runs of scenarios, and what they are without anything to draw."""

from __future__ import annotations

import re

import msgspec
import pytest

from seawall.report.answer import answer_of
from seawall.report.page.page import render
from seawall.report.page.picture_choice import pictures_of
from seawall.report.page.pictures import Picture
from seawall.report.scenarios import SCENARIOS
from seawall.report.stored import stored_result
from seawall.result import Result
from seawall.result.cache_fleet import FleetFindings
from seawall.stack.places import ROOT

STORED = ROOT / "results" / "reference"
NAMES = {name: f"20261130-{name.removeprefix('stream-')}" for name in SCENARIOS}
HEADINGS = {
    "stream-cache": ["Statements, 1,000 rows", "A pick, 1,000 rows", "Statements over time, 1,000 rows",
                     "Age of the cache, 1,000 rows"],
    "stream-analytics": ["How far behind", "What figures cost"],
    "stream-fanout": ["What storing keeps", "log, 8 groups, plain", "database, 8 groups, plain", "log, 4 groups, slow"],
    "stream-live": ["The way to a subscriber", "From due to arrived", "What a feed costs"],
    "stream-reviews": ["Results over time", "What calls buy"],
    "stream-spark": ["Features over time", "State over time"],
}  # fmt: skip


def stored(name: str) -> Result:
    """Return a stored run."""
    return stored_result(STORED / NAMES[name])


def drawn(result: Result) -> dict[str, Picture]:
    """Return its pictures by their headings."""
    return {one.heading: one for one in pictures_of(result, {})}


@pytest.mark.parametrize("name", HEADINGS)
def test_each_scenario_has_its_pictures(name: str) -> None:
    """On the page, each with a sentence on how to read it, and none of its marks is no number."""
    result = stored(name)
    found = drawn(result)
    assert set(HEADINGS[name]) <= set(found)
    page = render(result, {})
    for picture in found.values():
        assert picture.reading.endswith(".")
        assert "nan" not in picture.svg
        assert "inf" not in re.sub(r"<title.*?</title>", "", picture.svg)
        assert f"<h3>{picture.heading}</h3>" in page


@pytest.mark.parametrize("name", HEADINGS)
def test_the_report_says_what_was_gained_and_what_it_cost(name: str) -> None:
    """Or, where a side is missing or does not tell, that it is not told."""
    said = " ".join(answer_of(stored(name)).from_which_load)
    assert re.search(r"What the (log|cache) gave", said), said
    assert re.search(r"What it cost|What the log cost|gave and cost is not told", said), said


@pytest.mark.parametrize("name", HEADINGS)
def test_a_run_that_ended_at_once_has_none(name: str) -> None:
    """And is a page all the same."""
    empty = msgspec.structs.replace(
        stored(name),
        fleet=FleetFindings(),
        live_analytics=[],
        fanout=[],
        rebuilt=[],
        live=[],
        reviews=[],
        spark=[],
        trials=[],
    )
    assert drawn(empty) == {}
    assert "<figure>" not in render(empty, {})


def test_results_of_earlier_versions_have_what_needs_no_course() -> None:
    """Fields that they lack are left out."""
    result = stored("stream-analytics")
    old = [msgspec.structs.replace(one, course=[]) for one in result.live_analytics]
    assert list(drawn(msgspec.structs.replace(result, live_analytics=old))) == ["What figures cost"]
