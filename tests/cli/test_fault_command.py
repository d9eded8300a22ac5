"""`bin/seawall fault`, as a user runs it, on a stack of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from seawall.cli.app import main
from seawall.stack.faults.catalogue import CATALOGUE
from seawall.stack.places import ROOT

pytestmark = pytest.mark.timeout(600)
HAPROXY = shutil.which("haproxy", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))
SMALL = ["--rate", "200", "--users", "40", "--warmup", "500ms"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home in which nothing runs."""
    return tmp_path / "home"


@contextmanager
def started(home: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command, and end it if the test does not."""
    with subprocess.Popen(
        ["env", "--default-signal=INT", ROOT / "bin" / "seawall", "fault", *words],
        env={**os.environ, "COLUMNS": "200", "SEAWALL_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(home: Path, *words: str, within_s: float = 170.0) -> tuple[int, str, str]:
    """Return code, output and errors of a whole run."""
    with started(home, *words) as process:
        out, err = process.communicate(timeout=within_s)
    return process.returncode, out, err


def written(directory: Path) -> dict[str, Any]:
    """Return the result."""
    found: dict[str, Any] = json.loads((directory / "result.json").read_text())
    return found


def remains(home: Path) -> list[str]:
    """Return processes that know the home."""
    commands = (" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
    return [command for command in commands if str(home) in command]


def test_every_fault_is_listed(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """By name, with what happens; nothing is started for it."""
    monkeypatch.setenv("SEAWALL_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["fault", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in CATALOGUE)
    assert not home.exists()


def test_random_faults_lose_and_double_nothing(home: Path, tmp_path: Path) -> None:
    """Five of them, through Kafka; whatever happens, every acknowledged record is there once."""
    output = tmp_path / "out"
    # those among which chance chooses are such as heal in a second or two
    among = "kill-api,kill-sink,kill-postgres,kill-valkey,pause-broker,cut-api-kafka,cut-sink-postgres,poison-records"
    words = ["--chaos", "5", "--faults", among, "--duration", "7500ms"]
    code, out, err = run(home, *words, *SMALL, "--output", str(output), within_s=500)
    assert code in (0, 3, 4), out + err  # on a busy machine a trial may say nothing; none may fail
    result = written(output)
    assert [finding["seed"] for finding in result["faults"]] == [1, 2, 3, 4, 5]
    for finding, trial in zip(result["faults"], result["trials"], strict=True):
        assert (finding["lost"], finding["doubled"]) == (0, 0)
        assert trial["audit"]["acknowledged"] > 0
        assert trial["audit"]["pending"] == 0
        assert finding["lookups"] > 20
    assert {finding["name"] for finding in result["faults"]} <= set(among.split(","))
    assert "Random faults: how they came out" in out
    assert {path.name for path in output.iterdir()} >= {"result.json", "summary.csv", "report.html", "junit.xml"}
    assert not remains(home)


@pytest.mark.long
def test_sinks_that_come_and_go_have_work_meanwhile(home: Path, tmp_path: Path) -> None:
    """A storm in which nobody reads is none."""
    output = tmp_path / "out"
    words = ["--faults", "rebalance-storm", "--duration", "12s", "--hold", "2s"]
    code, out, err = run(home, *words, *SMALL, "--output", str(output))
    assert code in (0, 3), out + err
    (finding,) = written(output)["faults"]
    assert "wrote rows" in finding["bit"]
    assert (finding["lost"], finding["doubled"], finding["failed"]) == (0, 0, 0)


@pytest.mark.long
def test_a_run_goes_on_where_it_ended(home: Path, tmp_path: Path) -> None:
    """The second of two random faults is made later, on another stack, and the result holds both."""
    output = tmp_path / "out"
    among = ["--faults", "kill-sink,kill-valkey", "--duration", "7500ms"]
    code, out, err = run(home, "--chaos", "1", *among, *SMALL, "--output", str(output))
    assert code in (0, 3, 4), out + err
    first = written(output)
    code, out, err = run(home, "--resume", str(output), "--chaos", "2")
    assert code in (0, 3, 4), out + err
    result = written(output)
    assert result["faults"][0] == first["faults"][0]
    assert [finding["seed"] for finding in result["faults"]] == [1, 2]
    assert len({trial["name"] for trial in result["trials"]}) == 2
    assert result["started_at"] == first["started_at"]
    assert result["options"]["rate_per_s"] == 200
    assert not remains(home)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--resume", "nowhere"), "is no directory"),
        (("--resume", str(ROOT / "results/reference/20261128-attain")), "holds a result of `attain`"),
        (
            ("--resume", str(ROOT / "results/reference/20261128-fault-disks"), "--chaos", "9"),
            "makes each fault by name",
        ),
        (("--resume", str(ROOT / "results/reference/20261128-fault-disks"), "--clean"), "a run goes on where it is"),
    ],
)
def test_what_cannot_go_on_is_refused(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    says: str,
) -> None:
    """In words, and nothing is started."""
    monkeypatch.setenv("SEAWALL_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["fault", *words]) == 2
    assert says in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not home.exists()


@pytest.mark.long
def test_a_database_that_dies_is_noticed_and_comes_back(home: Path, tmp_path: Path) -> None:
    """On the direct path: refused meanwhile, at once, and served again afterwards."""
    output = tmp_path / "out"
    words = ["--path", "grouped", "--faults", "kill-postgres", "--hold", "2s", "--duration", "20s"]
    code, out, err = run(home, *words, *SMALL, "--output", str(output))
    assert code in (0, 3, 4), out + err
    (finding,) = written(output)["faults"]
    assert "took its place" in finding["bit"]
    assert finding["detect_s"] < 2
    assert finding["failed"] > 0
    assert finding["refused"] > 0
    assert finding["lost"] == 0
    assert finding["recover_s"] is not None
    assert finding["moments"]
    assert "kill-postgres" in (output / "report.html").read_text()


@pytest.mark.long
@pytest.mark.skipif(not HAPROXY, reason="HAProxy is not installed (Debian: apt-get install haproxy)")
@pytest.mark.parametrize(
    ("fault", "bit"),
    [
        ("upgrade-sinks", "sink-2 for sink-1"),
        ("upgrade-api", "api-2 for api-1"),
        ("blue-green", "api-2 for api-1: "),
        ("canary", "api-2 for api-1: "),
    ],
)
def test_processes_are_replaced_under_load_and_no_request_fails(
    home: Path, tmp_path: Path, fault: str, bit: str
) -> None:
    """Who took whose place is told, with its share of the answers, and nothing is lost."""
    output = tmp_path / "out"
    words = ["--faults", fault, "--duration", "45s", "--hold", "1s", "--rate", "100", "--users", "20"]
    code, out, err = run(home, *words, "--warmup", "500ms", "--output", str(output), within_s=390)
    assert code in (0, 1, 3, 4), out + err  # times are those of a busy machine
    (finding,), (trial,) = written(output)["faults"], written(output)["trials"]
    assert finding["bit"].startswith(bit)
    assert ("answers in 3 s" in finding["bit"]) == bit.endswith(": ")
    assert (finding["failed"], finding["lost"], finding["doubled"]) == (0, 0, 0)
    assert trial["audit"]["stored"] == trial["audit"]["attempted"] > 4_000
    assert not remains(home)


@pytest.mark.long
def test_an_interrupted_run_puts_everything_back(home: Path, tmp_path: Path) -> None:
    """Ctrl-C in the midst of a fault: nothing is left running, and what was measured is written."""
    output = tmp_path / "out"
    with started(
        home, "--faults", "pause-sink", "--hold", "20s", "--duration", "40s", *SMALL, "--output", str(output)
    ) as process:
        deadline = time.monotonic() + 90
        while not _stopped_sink(home):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=100)
    assert process.returncode == 130, err
    assert written(output)["interrupted"]
    assert not remains(home)


def _stopped_sink(home: Path) -> bool:
    for process in psutil.process_iter(["status", "cmdline"]):
        if process.info["status"] == psutil.STATUS_STOPPED and "workers.sink" in (process.info["cmdline"] or []):
            return str(home) in str(process.cwd())
    return False


@pytest.mark.long
def test_what_cannot_be_made_is_refused_by_name_before_any_load(home: Path, tmp_path: Path) -> None:
    """The stack that was started for it is gone again, and no results are left."""
    output = tmp_path / "out"
    code, _, err = run(home, "--faults", "kill-controller", *SMALL, "--output", str(output))
    assert code == 2
    assert "kill-controller cannot be made here: the only broker is the controller" in err
    assert not (output / "result.json").exists()
    assert not remains(home)
    code, _, err = run(home, "--faults", "kill-everybody")
    assert code == 2
    assert "unknown 'kill-everybody'" in err
