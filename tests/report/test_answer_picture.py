"""The answer as one picture, and charts that stand alone."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest
from evil_results import evil

from seawall.report.errors import NoPicture
from seawall.report.page.answer_picture import answer_picture, write_picture
from seawall.report.page.chart_files import chart_sheets
from seawall.report.stored import stored_result
from seawall.stack.places import ROOT

REFERENCE = ROOT / "results" / "reference"
SHOWN = stored_result(REFERENCE / "20261121-audited-4000-per-s")
CHARTS = [path for path in sorted((ROOT / "docs" / "pictures").glob("*.svg")) if path.name != "answer.svg"]


@pytest.fixture(scope="module")
def charts() -> dict[str, str]:
    """The charts of both runs by name; where both have one, that of the higher load."""
    both = [REFERENCE / name for name in ("20261121-audited-default", "20261121-audited-4000-per-s")]
    return {name: chart for path in both for name, chart in chart_sheets(stored_result(path), path).items()}


def texts(picture: str) -> list[str]:
    """Return what is written in a picture that is well formed."""
    return [element.text or "" for element in ET.fromstring(picture).iter() if element.tag.endswith("text")]  # noqa: S314 - our own


def test_it_says_the_answer_and_each_paths_figures() -> None:
    """With the verdict, the target, and the delay until the row is visible where that is another."""
    said = texts(answer_picture(SHOWN))
    assert said[0] == "Kafka in front of the database? No, not at this load."
    assert {"target: p95 < 200 ms", "offered"} <= set(said)
    for arm, outcome in SHOWN.verdicts.items():
        assert any(text.startswith(f"{arm}: ") and text.endswith(f" ms, {outcome}") for text in said)
    assert [text.partition(":")[0] for text in said if "visible p95" in text] == ["kafka"]


def test_the_committed_picture_is_that_of_its_run() -> None:
    """The command in `docs/report.md` writes it again, to the byte."""
    assert (ROOT / "docs" / "pictures" / "answer.svg").read_text(encoding="utf-8") == answer_picture(SHOWN)


def test_evil_names_stay_text() -> None:
    """The picture is still well formed, and holds no script."""
    picture = answer_picture(evil(SHOWN))
    assert any("<script>" in text for text in texts(picture))
    assert "<script" not in picture


def test_a_run_without_judged_load_has_no_picture(tmp_path: Path) -> None:
    """Words, and no file."""
    data = msgspec.structs.replace(SHOWN, trials=[], targets=[])
    with pytest.raises(NoPicture, match="no load was judged"):
        write_picture(data, tmp_path / "answer.svg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.stem)
def test_the_committed_charts_are_those_of_their_runs(path: Path, charts: dict[str, str]) -> None:
    """Each picture in `docs/report.md` is what the page shows, to the byte, and stands alone."""
    content = path.read_text(encoding="utf-8")
    assert content == charts[path.name]
    assert len(texts(content)) > 5
