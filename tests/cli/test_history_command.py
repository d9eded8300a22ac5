"""`history` as a user meets it: exit codes, files, words for what is no result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from varied_runs import REAL, write_history

from seawall.result.history import History

NEWER = '{"schema_version": 99, "experiment": "compare"}'
STEADY, SLOWER = [1.0] * 16, [1.0] * 13 + [1.8] * 3


def run_history(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the verb to its end."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "seawall.cli", "history", *map(str, arguments)],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


def test_what_got_worse_ends_with_one(tmp_path: Path) -> None:
    """The Markdown names path, figure, run and commit; the page is one file; nothing lies beside the runs."""
    runs = write_history(tmp_path / "runs", SLOWER)
    done = run_history(tmp_path / "runs", "--by", "day", "--html", tmp_path / "history.html")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("# Seawall: history of ")
    assert "**Yes.**" in done.stdout
    row = next(line for line in done.stdout.splitlines() if "| kafka | response p95" in line)
    assert "worse, new" in row
    assert runs[13].name in row
    assert "commit c012 to c013" in row
    page = (tmp_path / "history.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [run.name for run in runs]


def test_foreign_files_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    """Cut off, no JSON, newer, somebody else's, without a time: each with its reason, and exit code 0."""
    runs = tmp_path / "runs"
    write_history(runs, STEADY)
    content = (REAL / "result.json").read_text(encoding="utf-8")
    foreign = {
        "cut": (content[:5_000], "cut off or no JSON"),
        "binary": ("\x00\x01", "cut off or no JSON"),
        "nested": ("[" * 100_000, "not a result of Seawall"),
        "newer": (NEWER, "schema version 99"),
        "strange": ('{"some": "thing"}', "not a result of Seawall"),
        "timeless": (content.replace('"2026-11-21T10:14:21+00:00"', '""', 1), "which is no time"),
    }
    for name, (text, _) in foreign.items():
        (runs / name).mkdir()
        (runs / name / "result.json").write_text(text, encoding="utf-8")
    (runs / "round").symlink_to(runs)
    done = run_history(runs, "--markdown", tmp_path / "history.md")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    said = (tmp_path / "history.md").read_text(encoding="utf-8")
    left_out = said[said.index("## Left out") :]
    for name, (_, why) in foreign.items():
        line = next(line for line in left_out.splitlines() if line.startswith(f"- {name}/result.json"))
        assert why in line
    assert "- round: a link back to ., above it" in left_out
    assert "Traceback" not in done.stderr


def test_json_is_the_history(tmp_path: Path) -> None:
    """For programs, and three for too few runs."""
    write_history(tmp_path, [1.0] * 3)
    done = run_history(tmp_path, "--json")
    assert done.returncode == 3
    made = msgspec.json.decode(done.stdout, type=History)
    assert (len(made.runs), made.outcome, made.by) == (3, "INCONCLUSIVE", "day")
    assert json.loads(done.stdout)["history_version"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["{empty}"], "holds no result that can be read: give the directory", id="nothing there"),
        pytest.param(["{foreign}"], "notes.txt: no result of Seawall", id="only foreign files"),
        pytest.param(["{missing}"], "is no directory", id="no directory"),
        pytest.param(["{empty}", "--by", "year"], "known are day, week, month", id="a period that is none"),
        pytest.param(["{empty}", "--html", "{missing}/x.html"], "make it first", id="a place that is none"),
    ],
)
def test_wrong_usage_ends_with_two(tmp_path: Path, arguments: list[str], said: str) -> None:
    """A line or a few say what to do."""
    places = {name: tmp_path / name for name in ("empty", "foreign", "missing")}
    places["empty"].mkdir()
    places["foreign"].mkdir()
    (places["foreign"] / "notes.txt").touch()
    done = run_history(*(word.format(**places) for word in arguments))
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) <= 5
