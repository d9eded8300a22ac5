"""`bin/seawall capacity`, as a user runs it, on real servers."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from seawall.stack.places import ROOT
from seawall.stack.stack import Stack

SHORT = ["--duration", "1s", "--warmup", "500ms", "--clean"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [ROOT / "bin" / "seawall", "capacity", *arguments],
        env={**os.environ, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def search(out: Path, *arguments: str) -> dict[str, Any]:
    """Run a short search to its end and return its result; how much a busy machine carries is all the same here."""
    ended = run(*arguments, *SHORT, "--output", str(out))
    result: dict[str, Any] = json.loads((out / "result.json").read_text())
    assert ended.returncode == {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3}[result["outcome"]], ended.stderr
    assert [trial["audit"]["lost"] for trial in result["trials"]] == [0] * len(result["trials"])
    assert "Results: " in ended.stdout
    return result


@pytest.mark.usefixtures("stack")
@pytest.mark.long
def test_a_search_ends_and_keeps_every_step(tmp_path: Path) -> None:
    """The whole way once; each end is tried twice, and no load is out of bounds."""
    result = search(tmp_path / "out", "--paths", "kafka", "--start", "60", "--most", "60")
    (found,) = result["capacity"]
    assert found["confirmed"]
    assert found["path"] == "kafka"
    ends = [load for load in (found["last_pass_per_s"], found["first_fail_per_s"]) if load is not None]
    loads = [step["load_per_s"] for step in found["steps"] if step["share_of_knee"] is None]
    assert all(loads.count(end) >= 2 for end in ends)
    assert all(50 <= load <= 60 for load in loads)
    assert [step["trial"] for step in found["steps"]] == [trial["name"] for trial in result["trials"]]
    assert len((tmp_path / "out" / "summary.csv").read_text().splitlines()) == 1 + len(result["trials"])
    if found["last_pass_per_s"] is not None:
        assert [step["share_of_knee"] for step in found["steps"][-3:]] == [0.5, 0.7, 0.9]


@pytest.mark.long
def test_targets_that_no_load_holds_fail(stack: Stack, tmp_path: Path) -> None:
    """The search goes down to the least load and says what broke there."""
    targets = tmp_path / "targets.toml"
    targets.write_text('[[always]]\nname = "now"\nmetric = "response_p95_ms"\nscope = "write"\nlimit = "< 0.1 ms"\n')
    ended = run(
        "--paths", "grouped", "--start", "60", "--least", "50", *SHORT,
        "--targets", str(targets), "--output", str(tmp_path / "out"),
    )  # fmt: skip
    assert ended.returncode == 1, ended.stderr
    assert "now: response_p95_ms" in ended.stdout
    (found,) = json.loads((tmp_path / "out" / "result.json").read_text())["capacity"]
    assert (found["last_pass_per_s"], found["first_fail_per_s"]) == (None, 50)
    assert stack.row_counts().keys() >= {"orders"}


@pytest.mark.usefixtures("stack")
def test_delays_need_stacks_of_their_own(tmp_path: Path) -> None:
    """The one that is up is left alone."""
    ended = run("--paths", "grouped", "--database-delay", "5ms", "--output", str(tmp_path / "out"))
    assert ended.returncode == 2
    assert "stop it with `bin/seawall down`" in ended.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_each_delay_has_a_stack_and_a_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flush that takes 20 ms longer shows in every answer, and in what the server says of itself."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))
    out = tmp_path / "out"
    result = search(
        out, *("--paths", "grouped", "--flush-delay", "0,20ms", "--least", "60", "--start", "60", "--most", "60")
    )
    plain, slow = result["capacity"]
    assert (plain["arm"], slow["arm"]) == ("grouped", "grouped, flushes 20 ms slower")
    assert [arm["settings"]["postgres"].get("commit_delay") for arm in result["arms"]] == [None, "20000"]
    fastest = {
        one["arm"]: min(trial["response_ms"]["p50"] for trial in result["trials"] if trial["arm"] == one["arm"])
        for one in (plain, slow)
    }
    assert fastest[slow["arm"]] > 20
    assert {path.name for path in out.glob("*.svg")} == {
        "capacity.svg", "break-even-flush-delay.svg",
    }  # fmt: skip
    assert not (tmp_path / "home" / "stack.json").exists()


def test_bad_options_start_nothing(tmp_path: Path) -> None:
    """All mistakes are named, and no directory is made."""
    ended = run(
        *("--paths", "sink", "--start", "10", "--least", "20", "--bursts", "90s", "--database-delay", "500us"),
        *("--output", str(tmp_path / "out")),
    )
    assert ended.returncode == 2
    assert "--database-delay" in ended.stderr
    ended = run(
        *("--paths", "sink", "--start", "10", "--least", "20", "--bursts", "90s", "--flush-delay", "1s"),
        *("--output", str(tmp_path / "out")),
    )
    assert ended.returncode == 2
    for option in ("--paths", "--start", "--bursts", "--flush-delay"):
        assert option in ended.stderr
    assert not (tmp_path / "out").exists()
