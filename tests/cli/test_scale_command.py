"""`bin/seawall scale`, as a user runs it, on real servers of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from service_processes import eventually

from seawall.cli.app import main
from seawall.report.files import write_reports
from seawall.result import read_result
from seawall.stack.places import ROOT
from seawall.stack.stack import Stack

SEAWALL = ROOT / "bin" / "seawall"
HAPROXY = shutil.which("haproxy", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))
SHORT = ["--rate-each", "60", "--users-each", "20", "--duration", "3s", "--warmup", "500ms", "--repeats", "1"]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a home without a stack: other tests may have one up, and this verb starts its own."""
    monkeypatch.setenv("SEAWALL_HOME", str(tmp_path / "home"))
    yield tmp_path / "out"
    assert Stack.attach() is None


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start the command."""
    return subprocess.Popen(
        ["env", "--default-signal=INT", SEAWALL, "scale", *arguments],
        env={**os.environ, "COLUMNS": "220"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: str, within_s: float = 110) -> tuple[int, str, str]:
    """Run the command to its end; return its exit code and what it printed."""
    process = start(*arguments)
    said, errors = process.communicate(timeout=within_s)
    return process.returncode, said, errors


def result_of(directory: Path) -> dict[str, Any]:
    """Return the result."""
    found: dict[str, Any] = json.loads((directory / "result.json").read_text())
    return found


@pytest.mark.long
def test_two_numbers_are_measured_and_make_no_law(elsewhere: Path) -> None:
    """Each on a stack of its own, audited; what is missing for a law is said before and after."""
    code, said, errors = run("--what", "api", "--counts", "1,2", *SHORT, "--output", str(elsewhere))
    assert code == 4, errors
    assert "2 numbers make no law" in errors
    assert "no law is fitted" in said
    result = result_of(elsewhere)
    (found,) = result["scaling"]
    assert [point["count"] for point in found["points"]] == [1, 2]
    assert [trial["users"] for trial in result["trials"]] == [20, 40]
    assert [trial["audit"]["lost"] for trial in result["trials"]] == [0, 0]
    for point, processes in zip(found["points"], ({"api"}, {"api-1", "api-2"}), strict=True):
        costs = point["costs_us"]
        assert {name for name in costs if name.startswith("api")} == processes
        assert point["cost_us"] == pytest.approx(sum(costs[name] for name in processes))
        assert point["projected_per_s"] == pytest.approx(point["count"] * 1e6 / point["cost_us"])
        assert point["rebalances"] == 0
        assert 0 < point["machine_busy"] <= 1
    assert not (elsewhere / "scaling.svg").exists()
    assert "What would more API processes carry?" in (elsewhere / "report.html").read_text()
    assert (elsewhere / "logs" / "02-api-2" / "api-2.log").exists()


@pytest.mark.long
def test_locust_workers_are_measured_each_by_itself(elsewhere: Path) -> None:
    """Real master and workers, whose ledger is audited like any other; the master is told apart."""
    code, _, errors = run("--what", "workers", "--counts", "2", *SHORT, "--output", str(elsewhere))
    assert code == 4, errors
    result = result_of(elsewhere)
    ((point,), (trial,)) = result["scaling"][0]["points"], result["trials"]
    assert {name for name in point["costs_us"] if name.startswith("locust")} == {
        "locust-master", "locust-worker-1", "locust-worker-2",
    }  # fmt: skip
    assert point["cost_us"] == pytest.approx(
        point["costs_us"]["locust-worker-1"] + point["costs_us"]["locust-worker-2"]
    )
    assert trial["audited"]
    assert trial["audit"]["attempted"] == trial["audit"]["stored"] > 300
    assert trial["arm"] == "workers-2"
    write_reports(read_result(elsewhere / "result.json"), elsewhere)


@pytest.mark.long
def test_ctrl_c_keeps_what_was_measured_and_stops_all_servers(elsewhere: Path) -> None:
    """In the second trial, while its load runs or its servers start."""
    process = start("--what", "api", "--counts", "1,2", *SHORT, "--output", str(elsewhere))
    deadline = time.monotonic() + 90
    while not (elsewhere / "result.json").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    result = result_of(elsewhere)
    assert result["interrupted"]
    assert [point["count"] for point in result["scaling"][0]["points"]] == [1]


@pytest.mark.long
@pytest.mark.timeout(300)
def test_sinks_come_and_go_under_load_in_the_midst_of_batches(elsewhere: Path) -> None:
    """A sink that always has a batch under way is told to end: nothing is lost, and no request fails."""
    words = ["--steps", "1,2,1", "--stage", "15s", "--rates", "100", "--users", "20", "--warmup", "2s"]
    code, said, errors = run(
        "--autoscale", "sinks", *words, "--sink-rate", "150", "--output", str(elsewhere), within_s=280
    )
    assert code in (0, 1, 4), errors  # times are those of a busy machine
    assert "1 to 2" in errors
    result = result_of(elsewhere)
    ((found,), (trial,)) = result["elasticity"], result["trials"]
    assert [(step["before"], step["after"]) for step in found["steps"]] == [(1, 2), (2, 1)]
    assert [step["settle_s"] is not None for step in found["steps"]] == [True, True]
    assert (found["failed"], found["lost"], trial["audit"]["pending"]) == (0, 0, 0)
    assert trial["audit"]["stored"] == trial["audit"]["attempted"] > 2_500
    assert {moment["wanted"] for moment in found["moments"]} == {1, 2}
    assert {path.name for path in elsewhere.iterdir()} >= {"result.json", "summary.csv", "report.html", "junit.xml"}
    assert "Can sinks come and go under load?" in (elsewhere / "report.html").read_text()
    assert "0 records lost" in said


@pytest.mark.long
@pytest.mark.parametrize(
    ("what", "away"),
    [
        ("sinks", "sink-2"),
        pytest.param("api", "api-2", marks=pytest.mark.skipif(not HAPROXY, reason="HAProxy is not installed")),
    ],
)
def test_ctrl_c_while_one_is_kept_away_leaves_nothing_running(elsewhere: Path, what: str, away: str) -> None:
    """Under load: the result says that it was interrupted, and the processes are gone, whoever was to come back."""
    words = ["--steps", "1,2", "--stage", "30s", "--rates", "50", "--users", "10", "--warmup", "2s"]
    process = start("--autoscale", what, *words, "--output", str(elsewhere))

    def is_under_load() -> bool:
        assert process.poll() is None, process.communicate()
        stack = Stack.attach()
        if stack is None or not (Path(stack.state.data_dir) / "holds" / away).exists():
            return False
        with closing(stack):
            return 0 < sum(stack.row_counts().values()) < 1_000  # the warm-up left more, until it was cleared away

    eventually(is_under_load, 120)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=100)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    result = result_of(elsewhere)
    assert (result["interrupted"], result["outcome"]) == (True, "INVALID")
    assert result["reasons"] == ["interrupted before the end"]
    assert "interrupted before the end" in said
    assert (elsewhere / "report.html").exists()
    home = os.environ["SEAWALL_HOME"]
    assert not [one for one in psutil.process_iter(["cmdline"]) if home in " ".join(one.info["cmdline"] or [])]
    assert not list(Path(home).rglob("holds"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "give --what (api, sinks, partitions, workers) for a law, or --autoscale (sinks, api)"),
        (("--what", "api", "--autoscale", "sinks"), "give --what"),
        (("--what", "api", "--steps", "1,2"), "belongs to --autoscale"),
        (("--autoscale", "sinks", "--repeats", "2"), "belongs to --what"),
        (("--autoscale", "cats"), "unknown 'cats', known are sinks, api"),
        (("--autoscale", "sinks", "--steps", "0,2", "--faster", "0"), "--faster: must not be below 1"),
        (("--autoscale", "sinks", "--path", "sync"), "sinks carry only what goes through Kafka"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    says: str,
) -> None:
    """In words, before anything starts."""
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["scale", *words, "--output", str(elsewhere)]) == 2
    assert says in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not elsewhere.exists()


def test_bad_options_start_no_stack(elsewhere: Path) -> None:
    """All mistakes are named, and no directory is made."""
    code, _, errors = run("--what", "sinks", "--counts", "0,20", "--duration", "1s", "--output", str(elsewhere))
    assert code == 2
    assert "0 is below 1" in errors
    assert "--duration" in errors
    assert not elsewhere.exists()


@pytest.mark.usefixtures("stack")
def test_a_stack_that_is_up_is_left_alone(tmp_path: Path) -> None:
    """Its shape is not what is asked for."""
    code, _, errors = run("--what", "api", "--output", str(tmp_path / "out"))
    assert code == 2
    assert "a stack of its own" in errors
