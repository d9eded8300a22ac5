"""`bin/seawall controls`, as a user runs it: services that misbehave, on real servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from contract.connections import DATABASES, MARIADB
from seawall.experiments.controls import CATALOGUE
from seawall.stack.places import ROOT


def run(*arguments: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end in a home directory of its own."""
    return subprocess.run(
        [ROOT / "bin" / "seawall", "controls", *arguments],
        env={**os.environ, "SEAWALL_HOME": str(home), **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.long
@pytest.mark.parametrize("database", DATABASES)
def test_catches_what_is_dropped_and_doubled_and_absorbs_what_is_harmless(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    """The ids that the audit names are those of the fault's own list; the result says that it is a control."""
    if database == MARIADB:
        request.getfixturevalue("mariadb_url")  # where none is installed the test is left out
    out, chosen = tmp_path / "out", ["--only", "store-twice,drop-sync,log-twice", "--database", database]
    done = run(*chosen, "--output", str(out), home=tmp_path / "home")
    assert done.returncode == 0, done.stderr + done.stdout
    result = json.loads((out / "result.json").read_text())
    assert [finding["name"] for finding in result["controls"]] == ["drop-sync", "log-twice", "store-twice"]
    assert {finding["outcome"] for finding in result["controls"]} == {"PASS"}
    assert result["environment"]["control"] is True
    assert result["options"]["database"] == database
    assert result["environment"]["servers"]["api"] == "1 (control)"
    assert {arm["durability"] for arm in result["arms"]} == {"a control: no measurement"}

    dropped, logged, doubled = result["trials"]
    listed = [json.loads(line) for line in (out / "faults" / "api.jsonl").read_text().splitlines()]
    assert sorted(dropped["examples"]["lost"]) == sorted(deed["ids"][0] for deed in listed if deed["fault"] == "drop")
    assert dropped["outcome"] == doubled["outcome"] == "FAIL"
    assert logged["outcome"] == "PASS"
    assert logged["audit"]["log_duplicates"] == 75
    assert doubled["audit"]["duplicates"] == len(doubled["examples"]["duplicates"]) == 6

    assert "3 of 3 controls came out as they must" in done.stdout
    assert (out / "logs" / "sink-1.log").exists()
    assert not (tmp_path / "home" / "stack.json").exists()


@pytest.mark.long
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    """What was found is written, the code is 130, no process and no state is left."""
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    home, out = tmp_path / "home", tmp_path / "out"
    running = subprocess.Popen(
        ["env", "--default-signal=INT", ROOT / "bin" / "seawall", "controls", "--only", "alter", "--output", str(out)],
        env={**os.environ, "SEAWALL_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(out.glob("raw/alter-1*")):  # the load is under way
        assert time.monotonic() < deadline
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=40)
    assert running.returncode == 130, errors
    assert json.loads((out / "result.json").read_text())["interrupted"] is True
    assert not (home / "stack.json").exists()
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


def test_the_list_names_every_control_and_starts_nothing(tmp_path: Path) -> None:
    """What is planted and how it has to come out can be read beforehand."""
    done = run("--list", "--table-style", "markdown", home=tmp_path / "home")
    assert done.returncode == 0
    for control in CATALOGUE:
        assert f"| {control.name} " in done.stdout
        assert control.planted in done.stdout
    assert not (tmp_path / "home").exists()


def test_the_page_explains_every_control() -> None:
    """A control that nobody explains proves nothing to anybody."""
    page = (ROOT / "docs" / "controls.md").read_text(encoding="utf-8")
    for control in CATALOGUE:
        assert f"| `{control.name}` |" in page


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (["--only", "drop"], {}, "--only: unknown 'drop', known are drop-sync"),
        (["--table-style", "pretty"], {}, "unknown 'pretty'"),
        ([], {"SEAWALL_API_URL": "http://127.0.0.1:1"}, "SEAWALL_API_URL: controls break things on purpose"),
    ],
)
def test_wrong_usage_is_code_2(arguments: list[str], settings: dict[str, str], words: str, tmp_path: Path) -> None:
    """Nothing is started, and nothing of somebody else's is touched."""
    done = run(*arguments, home=tmp_path / "home", **settings)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "home" / "stack.json").exists()
