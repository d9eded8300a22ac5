"""Results read back from a directory, whole and broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seawall.report.errors import NewerResult, NoResult
from seawall.report.stored import stored_result
from seawall.stack.places import ROOT

REFERENCE = sorted((ROOT / "results" / "reference").glob("*/result.json"))
THREE_PATHS = (ROOT / "results" / "reference" / "20261121-default" / "result.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", REFERENCE, ids=lambda path: path.parent.name)
def test_results_of_older_versions_still_load(path: Path) -> None:
    """Fields are only ever added."""
    found = stored_result(path.parent)
    assert found.trials or found.csv or found.reviews or found.spark


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        pytest.param(None, NoResult, "holds no result.json", id="missing"),
        pytest.param("", NoResult, "cut off or no JSON", id="empty"),
        pytest.param(THREE_PATHS[:5_000], NoResult, "cut off or no JSON", id="cut off"),
        pytest.param('{"some": "thing"}', NoResult, "not a result of Seawall", id="not ours"),
        pytest.param("[1, 2]", NoResult, "not a result of Seawall", id="no object"),
        pytest.param('{"schema_version": 99, "experiment": "compare"}', NewerResult, "version 99", id="newer"),
        pytest.param(
            '{"schema_version": 1, "experiment": "compare"}', NoResult, "is not as its schema", id="fields lack"
        ),
        pytest.param(
            THREE_PATHS.replace('"arm": "sync"', '"arm": "other"'),
            NoResult,
            "tells of 'other'",
            id="an arm that is not there",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: str | None, error: type[Exception], says: str) -> None:
    """In words, with the file's name."""
    if content is not None:
        (tmp_path / "result.json").write_text(content, encoding="utf-8")
    with pytest.raises(error, match=says):
        stored_result(tmp_path)


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    """Giving result.json itself says what to give instead."""
    path = tmp_path / "result.json"
    path.write_text(json.dumps({}), encoding="utf-8")
    with pytest.raises(NoResult, match="is no directory"):
        stored_result(path)
