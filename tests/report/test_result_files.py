"""Which results lie below a directory, whatever else does."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from seawall.report.errors import NoResult
from seawall.report.result_files import find_results
from seawall.stack.places import ROOT

REFERENCE = ROOT / "results" / "reference"
REAL = REFERENCE / "20261121-load-4000-per-s" / "result.json"


def put(directory: Path, name: str = "result.json") -> Path:
    """Put a real result into *directory*."""
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(REAL, directory / name)
    return directory / name


def whys(directory: Path) -> dict[str, str]:
    """Return what was left out, and why."""
    return {one.path: one.why for one in find_results(directory).skipped}


def test_results_are_found_at_any_depth(tmp_path: Path) -> None:
    """In the order of their names, and no raw columns below a result are looked through."""
    first, second = put(tmp_path / "a" / "deep" / "one"), put(tmp_path / "b")
    put(tmp_path / "b" / "raw" / "copy")
    assert find_results(tmp_path).files == [first, second]


def test_a_run_s_own_directory_is_a_history_of_one(tmp_path: Path) -> None:
    """Nothing beside its result is called foreign."""
    path = put(tmp_path)
    (tmp_path / "report.html").touch()
    found = find_results(tmp_path)
    assert (found.files, found.skipped) == ([path], [])


def test_results_of_plain_locust_runs_lie_side_by_side(tmp_path: Path) -> None:
    """With what else those runs leave, none of which is foreign."""
    results = [put(tmp_path, f"{prefix}_result.json") for prefix in ("a", "b")]
    for name in ("a_report.html", "a_junit.xml", "b_stats.csv", "b_stats_history.csv"):
        (tmp_path / name).touch()
    (tmp_path / "a_requests").mkdir()
    found = find_results(tmp_path)
    assert (found.files, found.skipped) == (results, [])


def test_what_is_no_result_is_named_once_a_directory(tmp_path: Path) -> None:
    """With the names that results have."""
    put(tmp_path / "good")
    for name in ("notes.txt", "photo.png", ".hidden", "history.html"):
        (tmp_path / name).touch()
    assert whys(tmp_path) == {
        "notes.txt": "no result of Seawall, and 1 more here: results are named result.json or PREFIX_result.json"
    }


def test_links_that_go_round_end(tmp_path: Path) -> None:
    """One back to a directory above, one to itself, one to nowhere: each is told, and every run counts once."""
    path = put(tmp_path / "runs" / "one")
    (tmp_path / "runs" / "loop").symlink_to(tmp_path)
    (tmp_path / "runs" / "again").symlink_to("again")
    (tmp_path / "runs" / "nowhere").symlink_to("missing")
    (tmp_path / "a-latest").symlink_to(path.parent)
    assert find_results(tmp_path).files == [path]
    assert whys(tmp_path) == {
        "a-latest": "a link to runs/one, which counts once",
        "runs/again": "a link that leads nowhere, or to itself",
        "runs/loop": "a link back to ., above it",
        "runs/nowhere": "a link that leads nowhere, or to itself",
    }


def test_a_link_to_runs_elsewhere_is_followed(tmp_path: Path) -> None:
    """So a history can gather what lies in several places."""
    put(tmp_path / "elsewhere" / "one")
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "other").symlink_to(tmp_path / "elsewhere")
    found = find_results(tmp_path / "history")
    assert found.files == [tmp_path / "history" / "other" / "one" / "result.json"]
    assert found.skipped == []


def test_what_only_has_the_name_of_a_result_is_told(tmp_path: Path) -> None:
    """A directory, and a pipe, which nobody waits for."""
    put(tmp_path / "good")
    (tmp_path / "directory" / "result.json").mkdir(parents=True)
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "result.json")
    assert whys(tmp_path) == dict.fromkeys(("directory/result.json", "pipe/result.json"), "no file that can be read")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_directory_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """The others are read all the same."""
    path = put(tmp_path / "good")
    put(tmp_path / "closed")
    (tmp_path / "closed").chmod(0)
    try:
        found = find_results(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o755)
    assert found.files == [path]
    assert found.skipped[0].why.startswith("cannot be read")


@pytest.mark.parametrize("name", ["missing", "file"])
def test_what_is_no_directory_is_refused(tmp_path: Path, name: str) -> None:
    """With what to give."""
    (tmp_path / "file").touch()
    with pytest.raises(NoResult, match="is no directory: give the one that holds your runs"):
        find_results(tmp_path / name)


def test_the_reference_results_are_all_found() -> None:
    """The ones that the documents quote."""
    found = find_results(REFERENCE)
    assert len(found.files) == len(list(REFERENCE.glob("*/result.json")))
    assert {one.path.partition("/")[0] for one in found.skipped} >= {"README.md", "20261121-benchmarks"}
