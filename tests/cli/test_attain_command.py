"""`bin/seawall attain`, as a user runs it, on real servers."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import junitparser
import pytest

from seawall.cli.app import main
from seawall.stack.places import ROOT
from seawall.stack.stack import Stack

TARGETS = """
[[always]]
name = "writes in time"
metric = "response_p95_ms"
scope = "write"
limit = "< 2 s"

[[always]]
name = "cached in time"
metric = "response_p95_ms"
scope = "cached lookup"
limit = "< 2 s"

[[always]]
name = "few fail"
metric = "error_ratio"
limit = "<= 10 %"

[[always]]
name = "nothing lost"
metric = "lost"
limit = "= 0"

[[attain]]
name = "writes"
metric = "writes_per_s"
limit = ">= 10000 /s"

[[attain]]
name = "available"
metric = "availability"
limit = ">= 50 %"
"""


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """Give targets that so small a load can hold, and where to write."""
    (tmp_path / "targets.toml").write_text(TARGETS)
    return ["--targets", str(tmp_path / "targets.toml"), "--output", str(tmp_path / "out"), "--clean"]


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command, and end it if the test does not."""
    with subprocess.Popen(
        ["env", "--default-signal=INT", ROOT / "bin" / "seawall", "attain", *words],
        env={**os.environ, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def written(directory: Path) -> dict[str, Any]:
    """Return the result."""
    found: dict[str, Any] = json.loads((directory / "out" / "result.json").read_text())
    return found


def wait_for_load(stack: Stack, directory: Path, trial: str) -> None:
    """Return when a trial has written its first part, or rows of it are there."""
    deadline_s = time.monotonic() + 60
    while not ((directory / "out" / "raw" / f"{trial}.parquet").exists() and any(stack.row_counts().values())):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


@pytest.mark.usefixtures("stack")
@pytest.mark.long
def test_a_shop_climbs_two_stages(arguments: list[str], tmp_path: Path) -> None:
    """Each kind of request is judged, each stage reported, every file written."""
    mix = ["--mix", "shop", "--weights", "write=30,cached=60,uncached=10", "--new-connections", "10%"]
    stages = ["--path", "kafka", "--stages", "60,120", "--users", "50", "--duration", "3s", "--warmup", "500ms"]
    with started(*stages, "--repeats", "1", *mix, *arguments) as process:
        out, err = process.communicate(timeout=100)
    assert process.returncode in (0, 3, 4), err  # so short a run can be too short to tell
    assert "kafka up to 60/s by 50 users" in err
    result = written(tmp_path)
    assert [stage["stage"] for stage in result["stages"]] == ["up to 60", "60 to 120"]
    assert {len(stage["trials"]) for stage in result["stages"]} <= {1, 2}
    for trial in result["trials"]:
        assert set(trial["scopes"]) == {"write", "cached lookup", "uncached lookup"}
        assert sum(part["requests"] for part in trial["scopes"].values()) == trial["requests"]
        assert trial["audit"]["attempted"] == trial["audit"]["stored"] > 0
        assert (trial["failed"], trial["status_4xx"], trial["audit"]["lost"]) == (0, 0, 0)
        assert trial["scopes"]["write"]["achieved_per_s"] == trial["achieved_per_s"] < 0.5 * trial["offered_per_s"]
        assert trial["instrument"]["reconnects"] > 0
        assert {"api", "postgres", "kafka-1", "sink-1", "load"} <= set(trial["cores"])
    judged = {row["name"]: row["outcome"] for row in result["stages"][0]["targets"]}
    assert judged.keys() == {"writes in time", "cached in time", "few fail", "nothing lost", "available"}
    assert judged["nothing lost"] == "PASS"
    assert "up to 60/s: available" in {row["name"] for row in result["targets"]}
    assert "available" in out
    assert "every stage against its targets" in out
    with (tmp_path / "out" / "summary.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(result["trials"])
    (suite,) = junitparser.JUnitXml.fromfile(str(tmp_path / "out" / "junit.xml"))
    assert len(list(suite)) == 11
    assert "Are the targets held through all stages of load?" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.long
def test_a_service_that_stops_answering_ends_as_a_failure(stack: Stack, arguments: list[str], tmp_path: Path) -> None:
    """By itself, and what was measured before stays; after two failed stages no third is run."""
    stages = ["--path", "grouped", "--stages", "20,30,40", "--users", "20", "--repeats", "1", "--warmup", "500ms"]
    with started(*stages, "--duration", "3s", *arguments) as process:
        try:
            wait_for_load(stack, tmp_path, "grouped-stage-1-1")
            stack.signal("api", signal.SIGSTOP)
            out, err = process.communicate(timeout=110)
        finally:
            stack.signal("api", signal.SIGCONT)
    assert process.returncode == 1, err
    result = written(tmp_path)
    outcomes = [stage["outcome"] for stage in result["stages"]]
    # A transaction that was stopped in its midst holds the tables, and then the run ends before the second stage.
    assert outcomes in (["FAIL", "FAIL", None], ["FAIL", None, None])
    assert bool(result["reasons"]) is (outcomes[1] is None)
    assert all(trial["no_answer"] + trial["unsent"] > 0 for trial in result["trials"])
    assert result["trials"][0]["audit"]["acknowledged"] > 0
    assert "nobody answered" in result["stages"][0]["bottleneck"]
    assert "not run" in out


@pytest.mark.long
def test_what_was_measured_before_ctrl_c_is_written(stack: Stack, arguments: list[str], tmp_path: Path) -> None:
    """The first stage is there, the second counts as not run, and the exit code is that of an interruption."""
    stages = ["--path", "grouped", "--stages", "20,30", "--users", "20", "--repeats", "1", "--warmup", "500ms"]
    with started(*stages, "--duration", "3s", *arguments) as process:
        wait_for_load(stack, tmp_path, "grouped-stage-2-1")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    result = written(tmp_path)
    assert result["interrupted"]
    assert result["outcome"] == "INVALID"
    first, second = result["stages"]
    assert first["trials"][0] == "grouped-stage-1-1"
    assert first["outcome"] is not None
    assert (second["trials"], second["outcome"]) == ([], None)
    assert result["trials"][0]["audit"]["stored"] == result["trials"][0]["audit"]["attempted"] > 0


def test_bad_options_start_nothing(tmp_path: Path) -> None:
    """All mistakes are named, and no directory is made."""
    words = ["--paths", "sink", "--stages", "10,5", "--weights", "write=0", "--output", str(tmp_path / "out")]
    with started(*words) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    for option in ("--paths", "--stages", "--weights"):
        assert option in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [["--stages", "a"], ["--new-connections", "few"], ["--weights", "write"]], ids=str)
def test_values_that_are_none_are_said(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With the option's name."""
    assert main(["attain", *words]) == 2
    assert words[0] in capsys.readouterr().err
