"""Plain Locust runs are recorded: alone, with processes, with master and workers, and however they end."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from contract.entities import ENTITIES
from contract.topics import topic_of
from seawall.audit.ledger import Ledger, read_ledger
from seawall.audit.log import LogReader
from seawall.load.key_skew import zipf_shares
from seawall.load.percentiles import bucket
from seawall.stack.places import ROOT
from seawall.stack.ports import free_ports
from seawall.stack.stack import Stack

LOCUST = [str(Path(sys.executable).with_name("locust")), "-f", str(ROOT / "locustfiles" / "ingest.py")]
LOAD = ["--headless", "--no-verdict", "--csv", "out", "-u", "12", "-r", "6", "--user-rate", "20"]


class Running:
    """One Locust in a process group of its own, as a shell starts it."""

    def __init__(self, directory: Path, *arguments: str, prepare: Callable[[], None] | None = None) -> None:
        self.log = directory / f"{len(list(directory.glob('*.log')))}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["env", "--default-signal=INT", *LOCUST, *arguments],
                cwd=directory, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=prepare,  # noqa: PLW1509 - sets a limit of the child, which no other way can
            )  # fmt: skip

    def end(self, number: signal.Signals | None = None, *, group: bool = False) -> int:
        """Send a signal, if one is given, and return the exit code; nothing of the group is left."""
        try:
            if number is not None:
                (os.killpg if group else os.kill)(self.process.pid, number)
            return self.process.wait(timeout=40)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def said(self) -> str:
        """Return all that it wrote."""
        return self.log.read_text()

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait until *condition* holds."""
        deadline = time.monotonic() + 30
        while not condition():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)


def table(path: Path) -> dict[str, dict[str, str]]:
    """Return Locust's final statistics by name."""
    with path.open() as file:
        return {f"{line['Type']} {line['Name']}".strip(): line for line in csv.DictReader(file)}


def record(directory: Path) -> dict[str, Any]:
    """Return what was written down about the run."""
    found: dict[str, Any] = json.loads((directory / "run.json").read_text())
    return found


def percentile(milliseconds: list[float], share: float) -> int:
    """Return a percentile as Locust defines it, over our buckets."""
    counts, passed = Counter(map(bucket, milliseconds)), 0
    for value in sorted(counts, reverse=True):
        passed += counts[value]
        if len(milliseconds) - passed <= int(len(milliseconds) * share):
            return value
    raise AssertionError


def assert_table_agrees(lines: dict[str, dict[str, str]], ledger: Ledger) -> None:
    """Hold every line of Locust's statistics against the requests."""
    assert 0 not in ledger.status
    names = np.array(ledger.endpoints)[ledger.endpoint]
    assert set(lines) == {*names, "Aggregated"}
    for name, line in lines.items():
        mine = np.ones(len(names), bool) if name == "Aggregated" else names == name
        times_ms = ((ledger.answered_ns - ledger.intended_ns)[mine] / 1e6).tolist()
        assert int(line["Request Count"]) == len(times_ms), name
        assert int(line["Failure Count"]) == int((ledger.status[mine] >= 400).sum())
        for share in (0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999):
            assert int(line[f"{share * 100:g}%"]) == percentile(times_ms, share), (name, share)


def assert_whole(directory: Path, processes: int) -> Ledger:
    """Check that requests, statistics and the run's record say the same."""
    ledger, run = read_ledger(directory / "out_requests"), record(directory / "out_requests")
    assert_table_agrees(table(directory / "out_stats.csv"), ledger)
    assert (run["requests"], run["planned"]) == (len(ledger.status), len(ledger.status) + run["unsent"])
    assert (run["run_ms"], run["run_nonce"]) == ledger.run
    assert len(run["processes"]) == processes
    assert all(share["complete"] and share["clock"] == "shared" for share in run["processes"])
    assert len({(user, ns) for user, ns in zip(ledger.user.tolist(), ledger.intended_ns.tolist(), strict=True)}) == len(
        ledger.status
    )
    return ledger


def enough(directory: Path, requests: int = 150) -> Callable[[], bool]:
    """Return whether Locust's own CSV file has so many requests."""

    def reached() -> bool:
        path = directory / "out_stats.csv"
        line = table(path).get("Aggregated") if path.exists() else None
        return line is not None and int(line["Request Count"] or 0) >= requests

    return reached


def test_ctrl_c_loses_nothing_and_late_users_owe_nothing(stack: Stack, tmp_path: Path) -> None:
    """One process with a ramp: files and ledger agree, and each user's schedule begins when the user does."""
    running = Running(tmp_path, "Mixed", *LOAD, "--arrival", "poisson")
    running.wait_for(enough(tmp_path))
    assert running.end(signal.SIGINT) == 0, running.said()
    ledger = assert_whole(tmp_path, 1)
    first_s = np.array([ledger.intended_ns[ledger.user == user].min() for user in range(12)]) / 1e9
    assert first_s[6:].min() > first_s[:6].min() + 0.9
    assert "open loop (poisson): start lag p50" in running.said()
    assert "not sent" in running.said()
    assert "Traceback" not in running.said()


@pytest.mark.parametrize(("number", "group"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
@pytest.mark.long
def test_processes_hand_everything_in(stack: Stack, tmp_path: Path, number: signal.Signals, *, group: bool) -> None:
    """A terminal's Ctrl-C reaches all processes at once, SIGTERM the first alone: the union is exact."""
    port = str(free_ports(1)[0])
    running = Running(tmp_path, "Mixed", *LOAD, "--processes", "2", "--master-port", port, "--master-bind-port", port)
    running.wait_for(enough(tmp_path))
    assert running.end(number, group=group) == 0, running.said()
    ledger = assert_whole(tmp_path, 2)
    assert {user >> 16 for user in ledger.user.tolist()} == {0, 1}


@pytest.mark.long
def test_a_master_gathers_and_a_dead_worker_costs_its_last_seconds(stack: Stack, tmp_path: Path) -> None:
    """One worker is killed: its earlier parts are there, and the line and the record say what is missing."""
    port = str(free_ports(1)[0])
    workers = [Running(tmp_path, "--worker", "--master-port", port) for _ in range(2)]
    master = Running(
        tmp_path, *LOAD, "--master", "--master-bind-port", port, "--expect-workers", "2", "--entity", "orders",
        "--arrival", "closed", "--path", "grouped", "Writes",
    )  # fmt: skip
    try:
        master.wait_for(enough(tmp_path, 200))
        workers[0].end(signal.SIGKILL)
        assert master.end(signal.SIGTERM) == 0, master.said()
        assert workers[1].end() == 0
    finally:
        for worker in workers:
            worker.end(signal.SIGKILL) if worker.process.poll() is None else None
    ledger, run = read_ledger(tmp_path / "out_requests"), record(tmp_path / "out_requests")
    assert {user >> 16 for user in ledger.user.tolist()} == {0, 1}
    assert ledger.endpoints == ("POST /v1/grouped/orders",)
    assert (run["loop"], run["rate_per_s"], run["unsent"]) == ("closed", None, 0)
    assert sorted(share["complete"] for share in run["processes"]) == [False, True]
    assert "ended without its last word" in master.said()


def test_a_directory_with_a_run_is_refused_before_any_load(stack: Stack, tmp_path: Path) -> None:
    """Exit code 2, one line of words, and the run that is there stays as it is."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "part-000000000000.parquet").write_bytes(b"as it was")
    running = Running(tmp_path, "Mixed", "--headless", "--record", "kept", "--key-skew", "1")
    assert running.end() == 2
    assert "kept holds a recorded run already" in running.said()
    assert "Ramping" not in running.said()
    assert [path.read_bytes() for path in (tmp_path / "kept").iterdir()] == [b"as it was"]


@pytest.mark.long
def test_each_run_of_the_web_page_has_a_directory_of_its_own(stack: Stack, tmp_path: Path) -> None:
    """Start, Stop, Start, Stop: the first run is where it was asked for, the second beside it, with other ids.

    Each is judged, and the second starts when the first has its verdict.
    """
    port = free_ports(1)[0]
    page = f"http://127.0.0.1:{port}"
    running = Running(
        tmp_path, "Lookups", "--web-host", "127.0.0.1", "--web-port", str(port), "--record", "kept", "--csv", "out"
    )

    def start() -> bool:
        try:
            answer = httpx.post(
                f"{page}/swarm", data={"user_count": 5, "spawn_rate": 5, "user_rate": 30.0, "arrival": "poisson"}
            )
        except httpx.TransportError:
            return False
        return bool(answer.json()["success"])  # not while the first run is being judged

    for name in ("kept", "kept-2"):
        running.wait_for(start)
        time.sleep(2)
        httpx.post(f"{page}/stop")
        running.wait_for((tmp_path / name / "run.json").exists)
    assert running.end(signal.SIGTERM) in (0, 3, 4), running.said()
    ledgers = [read_ledger(tmp_path / name) for name in ("kept", "kept-2")]
    assert ledgers[0].run != ledgers[1].run
    assert_table_agrees(table(tmp_path / "out_stats.csv"), ledgers[1])
    assert record(tmp_path / "kept-2")["arrival"] == "poisson"
    assert running.said().count("not sent") == 2


def test_options_that_cannot_be_meant_are_all_named(tmp_path: Path) -> None:
    """Exit code 2 with every mistake, before any load."""
    wrong = ["--user-rate", "0", "--key-skew", "-1", "--record-bytes", "5", "--compressibility", "x"]
    running = Running(tmp_path, "Mixed", "--headless", "--host", "http://127.0.0.1:9", *wrong)
    assert running.end() == 2
    for words in ("--user-rate must be above 0", "--key-skew must be 0 or more", "can be", "'x' is none"):
        assert words in running.said()


@pytest.mark.long
def test_a_full_disk_ends_the_run_and_keeps_what_was_written(stack: Stack, tmp_path: Path) -> None:
    """No file may grow beyond a limit: exit code 2, words, and the earlier parts are read."""
    limit = 16_000
    running = Running(
        tmp_path, "Writes", *LOAD, "--path", "grouped", "-r", "1", "--user-rate", "50",
        prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert running.end() == 2, running.said()
    assert "requests could not be recorded" in running.said()
    assert "File too large" in running.said()
    ledger = read_ledger(tmp_path / "out_requests")
    assert set(ledger.status.tolist()) == {201}
    assert not list((tmp_path / "out_requests").glob("*.partial"))


def test_skewed_keys_fall_on_kafkas_partitions_as_asked(stack: Stack, tmp_path: Path) -> None:
    """The broker's own partitions hold the shares of Zipf's law: the partitioner is the one that is assumed."""
    stack.fresh()
    skew = 1.5
    running = Running(
        tmp_path, "Writes", *LOAD, "-r", "12", "--entity", "users", "--key-skew", str(skew),
        "--record-bytes", "300",
    )  # fmt: skip
    running.wait_for(enough(tmp_path, 300))
    assert running.end(signal.SIGTERM) == 0, running.said()
    ledger = assert_whole(tmp_path, 1)
    assert ledger.shape.record_bytes == 300
    log = LogReader(stack.connections.kafka)
    try:
        found = log.records(topic_of(ENTITIES["users"]), ledger.run)
    finally:
        log.close()
    counts = np.bincount(found.partition, minlength=stack.state.partitions)
    expected = np.array(zipf_shares(skew, stack.state.partitions)) * counts.sum()
    assert counts.sum() == len(ledger.status)
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected)).all(), (counts, expected)
