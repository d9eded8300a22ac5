"""Somebody else's service, of another framework with a database of its own, under the documented example itself."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from seawall.result import Outcome, Result, read_result
from seawall.stack.places import ROOT
from seawall.stack.ports import free_ports

LOCUST = str(Path(sys.executable).with_name("locust"))
EXAMPLE = ROOT / "locustfiles" / "elsewhere.py"
LOAD = ["--headless", "-u", "10", "-r", "10", "--user-rate", "20"]
TARGETS = """
[[always]]
name = "writes answer in time"
metric = "response_p95_ms"
scope = "write"
limit = "< 200 ms"

[[always]]
name = "reports answer in time"
metric = "response_p95_ms"
scope = "analytics"
limit = "< 800 ms"

[[always]]
name = "few requests fail"
metric = "error_ratio"
scope = "all"
limit = "<= 2 %"

[[always]]
name = "nothing is lost"
metric = "lost"
limit = "= 0"
"""
CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3, Outcome.INVALID: 4}


@contextmanager
def notes(directory: Path, *slow_s: str) -> Iterator[str]:
    """Serve the notes application, and give its address."""
    port = str(free_ports(1)[0])
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("notes.py")), port, str(directory / "notes.db"), *slow_s],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                httpx.get(f"{address}/notes/1").raise_for_status()
                break
            except httpx.TransportError:
                assert server.poll() is None
                time.sleep(0.05)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=10)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the application at its own pace for all tests."""
    with notes(tmp_path_factory.mktemp("notes")) as found:
        yield found


def start(directory: Path, address: str, *arguments: str, file: Path = EXAMPLE) -> subprocess.Popen[str]:
    """Start Locust in *directory*, where its targets are found."""
    (directory / "targets.toml").write_text(TARGETS)
    return subprocess.Popen(
        [LOCUST, "-f", str(file), "--host", address, *arguments], cwd=directory, env=dict(os.environ), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return exit code and words of a Locust."""
    try:
        said, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
    assert "Traceback" not in said, said
    return process.returncode, said


def outcomes(result: Result) -> dict[str, Outcome]:
    """Return how each target came out."""
    return {row.name: row.outcome for row in result.targets}


def endpoints(path: Path) -> dict[str, int]:
    """Return Locust's own count of each endpoint."""
    with path.open() as file:
        return {f"{line['Type']} {line['Name']}".strip(): int(line["Request Count"]) for line in csv.DictReader(file)}


def test_the_documented_example_gets_verdict_and_report(tmp_path: Path, address: str) -> None:
    """Every file is there, exit code and files say the same, and nobody claims to have looked into a database."""
    code, said = ended(start(tmp_path, address, *LOAD, "-t", "4s", "--csv", "out"))
    result = read_result(tmp_path / "out_result.json")
    (trial,) = result.trials
    assert code == CODES[result.outcome], said
    assert Outcome.FAIL not in outcomes(result).values()
    assert set(outcomes(result)) == {"writes answer in time", "reports answer in time", "few requests fail"}
    assert result.not_judged == ["nothing is lost"]
    assert result.audit == "did not run (no database was given)"
    assert not trial.audited
    assert {row.name: row.scope for row in trial.endpoints} == {
        "GET /notes/{id}": "uncached lookup", "POST /notes": "write", "GET /search": "analytics",
    }  # fmt: skip
    counted = endpoints(tmp_path / "out_stats.csv")
    assert counted["Aggregated"] >= trial.requests == sum(row.requests for row in trial.endpoints) > 400
    assert all(counted[row.name] >= row.requests for row in trial.endpoints)
    page = (tmp_path / "out_report.html").read_text()
    assert "Does the service hold its targets under this load?" in page
    assert "The audit did not run (no database was given)." in page
    assert "POST /notes" in page
    assert "Response time over time" in page
    assert "Kafka" not in page
    tree = ET.parse(tmp_path / "out_junit.xml")  # noqa: S314 - our own file
    skipped = {case.get("name", ""): case.find("skipped") for case in tree.iter("testcase")}
    assert any(name.startswith("writes answer in time") for name in skipped)
    assert skipped["every record is accounted for"] is not None
    assert f": {result.outcome} against 3 targets" in said
    assert "audit: did not run (no database was given)" in said


@pytest.mark.long
def test_a_slow_service_fails_whatever_its_answers_say(tmp_path: Path) -> None:
    """Each answer is a success, and the target is missed: exit code 1."""
    with notes(tmp_path, "0.3") as address:
        code, said = ended(start(tmp_path, address, *LOAD, "-t", "5s", "--record", "kept"))
    result = read_result(tmp_path / "kept" / "result.json")
    assert code == 1, said
    assert outcomes(result)["writes answer in time"] is Outcome.FAIL
    assert "It does not hold" in (tmp_path / "kept" / "report.html").read_text()
    assert "FAIL writes answer in time" in said


@pytest.mark.long
def test_sigterm_in_mid_run_of_several_processes_is_judged(tmp_path: Path, address: str) -> None:
    """What was sent until then is judged, the ramp is not, and the code is the verdict's."""
    port = str(free_ports(1)[0])
    many = ["--processes", "2", "--master-port", port, "--master-bind-port", port]
    running = start(
        tmp_path, address, "--headless", "-u", "10", "-r", "5", "--user-rate", "20", "--csv", "out", *many
    )  # fmt: skip
    path = tmp_path / "out_stats.csv"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (path.exists() and endpoints(path).get("Aggregated", 0) > 450):
        time.sleep(0.1)
    running.send_signal(signal.SIGTERM)
    code, said = ended(running)
    result = read_result(tmp_path / "out_result.json")
    (trial,) = result.trials
    record: dict[str, Any] = json.loads((tmp_path / "out_requests" / "run.json").read_text())
    assert code == CODES[result.outcome] in (0, 3, 4), said
    assert len(record["processes"]) == 2
    assert 0 < trial.requests < record["requests"]
    assert trial.warmup_s > 0.5
    assert "are not judged: not all users were there" in said


@pytest.mark.long
def test_a_users_own_word_on_success_counts(tmp_path: Path, address: str) -> None:
    """A 404 that the user expects is no failure, a 200 that it does not like is one, and a log-in is on no schedule."""
    file = tmp_path / "picky.py"
    file.write_text(
        "from locust import task\n"
        "from seawall.load import ScheduledUser\n"
        "class Picky(ScheduledUser):\n"
        "    def on_start(self):\n"
        "        self.client.get('/notes/3', name='login')\n"
        "        super().on_start()\n"
        "    @task\n"
        "    def missing(self):\n"
        "        with self.client.get('/notes/999999', name='gone', catch_response=True) as answer:\n"
        "            answer.success()\n"
        "        with self.client.get('/notes/2', name='wrong', catch_response=True) as answer:\n"
        "            answer.failure('not what I meant')\n"
    )
    code, said = ended(start(tmp_path, address, *LOAD, "-t", "2s", "--record", "kept", file=file))
    (trial,) = read_result(tmp_path / "kept" / "result.json").trials
    found = {row.name: row for row in trial.endpoints}
    assert code == 1, said
    assert (found["GET gone"].failed, found["GET wrong"].failed) == (0, found["GET wrong"].requests)
    assert "GET login" in said.replace("GET      ", "GET ")
    assert max(trial.response_ms.max or 0.0, found["GET gone"].response_ms.max or 0.0) < 60_000


@pytest.mark.long
def test_a_run_without_a_request_says_so(tmp_path: Path, address: str) -> None:
    """No user came to send anything: exit code 2, words, and a page."""
    code, said = ended(start(tmp_path, address, *LOAD, "--user-rate", "0.0001", "-t", "1s", "--csv", "out"))
    assert code == 2, said
    assert "no request was sent" in said
    assert "No request was sent." in (tmp_path / "out_report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--targets", "none.toml"], "none.toml cannot be read: No such file or directory"),
        (["--targets", "broken.toml"], "broken.toml has a mistake"),
        (["--judge-from", "soon"], "--judge-from takes a time such as 30s or 1m, and 'soon' is none"),
    ],
)
def test_what_would_spoil_the_verdict_is_refused_before_any_load(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    """Exit code 2 at once: nobody finds out after an hour."""
    (tmp_path / "broken.toml").write_text("[[always]]\nname = 'x'\nmetric = 'nonsense'\nlimit = '< 1 s'\n")
    code, said = ended(start(tmp_path, "http://127.0.0.1:9", *LOAD, "--csv", "out", *arguments))
    assert code == 2, said
    assert words in said
    assert "Ramping" not in said
