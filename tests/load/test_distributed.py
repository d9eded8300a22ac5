"""Master and workers as hosts of their own, and workers that die, come late, or are not like their master."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from service_processes import eventually

from seawall.audit.ledger import read_ledger
from seawall.result import Outcome, Result, read_result
from seawall.stack.places import ROOT
from seawall.stack.ports import free_ports

LOCUST = [sys.executable, "-m", "locust"]
LOCUSTFILE = """
from locust import task
from seawall.load import ScheduledUser

class Reader(ScheduledUser):
    @task
    def read(self):
        self.client.get("/", name="/")
"""
SLOW_MASTER = """
import gevent
from seawall.load.plain_run import Ledgers

def claim_slowly(self, claim=Ledgers.claim):
    while not self._environment.runner.clients:
        gevent.sleep(0.05)
    gevent.sleep(1)
    claim(self)

Ledgers.claim = claim_slowly
"""
"""Its workers have come, and have said what they are like, before it is ready."""
TARGETS = """
[[always]]
name = "answers in time"
metric = "response_p95_ms"
scope = "uncached lookup"
limit = "< 1000 ms"

[[always]]
name = "few requests fail"
metric = "error_ratio"
scope = "all"
limit = "<= 5 %"
"""
LOAD = ["--headless", "-u", "10", "-r", "10", "--user-rate", "20", "--csv", "out"]
CODES = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3, Outcome.INVALID: 4}
IP = shutil.which("ip", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


@contextmanager
def service(*arguments: str) -> Iterator[str]:
    """Run the server of known times, and yield its address."""
    server = subprocess.Popen(
        [sys.executable, "-m", "controls.latency_server", *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert server.stdout is not None
    try:
        yield server.stdout.readline().split()[-1]
    finally:
        server.terminate()
        server.wait(10)


class Company:
    """The Locust processes of one test, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "reader.py").write_text(LOCUSTFILE)
        (directory / "targets.toml").write_text(TARGETS)
        self.port = str(free_ports(1)[0])
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(
        self, *arguments: str, file: str = "reader.py", before: tuple[str, ...] = (), path: Path = ROOT
    ) -> tuple[subprocess.Popen[bytes], Callable[[], str]]:
        """Start a Locust, by the command *before* it; return its process and what tells what it has said."""
        log = self.directory / f"{len(self._processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*before, *LOCUST, "-f", file, *arguments], cwd=self.directory, stdout=output, stderr=output,
                env={**os.environ, "PYTHONPATH": str(path)},
            )  # fmt: skip
        self._processes.append(process)
        return process, log.read_text

    def worker(self, **more: Any) -> tuple[subprocess.Popen[bytes], Callable[[], str]]:
        """Start a worker on this host."""
        return self.start("--worker", "--master-port", self.port, **more)

    def master(self, address: str, workers: int, *arguments: str) -> tuple[subprocess.Popen[bytes], Callable[[], str]]:
        """Start the master."""
        return self.start(
            *("--master", "--master-bind-port", self.port, "--expect-workers", str(workers), "--host", address),
            *(*LOAD, *arguments),
        )

    def run(self) -> dict[str, Any]:
        """Return what was written down about the run."""
        found: dict[str, Any] = json.loads((self.directory / "out_requests" / "run.json").read_text())
        return found

    def end(self) -> None:
        """Leave nothing running."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """Yield what starts Locust's processes, and end them all."""
    found = Company(tmp_path)
    yield found
    found.end()


@pytest.fixture
def hosts() -> Iterator[tuple[str, list[str]]]:
    """Make two network namespaces on a bridge; yield the bridge's address and their names."""
    if os.geteuid() != 0 or IP is None:
        pytest.skip("network namespaces take root and `ip`")
    mark = os.getpid() % 10_000
    bridge, names = f"sw{mark}", [f"sw{mark}a", f"sw{mark}b"]

    def ip(*words: str) -> None:
        subprocess.run([IP, *words], check=True, capture_output=True)

    try:
        ip("link", "add", bridge, "type", "bridge")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no bridge can be made here: {error.stderr.decode().strip()}")
    try:
        net = f"10.77.{mark % 250}"
        ip("addr", "add", f"{net}.1/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        for number, name in enumerate(names, start=2):
            ip("netns", "add", name)
            ip("link", "add", f"{name}v", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"{name}v", "master", bridge, "up")
            ip("-n", name, "addr", "add", f"{net}.{number}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
        yield f"{net}.1", names
    finally:
        for name in names:
            subprocess.run([IP, "netns", "del", name], check=False, capture_output=True)
        subprocess.run([IP, "link", "del", bridge], check=False, capture_output=True)


@pytest.mark.long
def test_workers_on_other_hosts_have_their_clocks_measured(company: Company, hosts: tuple[str, list[str]]) -> None:
    """Two network namespaces whose monotonic clocks began at other times: one ledger on the master's clock."""
    bridge, names = hosts
    for name, ahead_s in zip(names, ("5000", "7000"), strict=True):
        company.start(
            "--worker", "--master-host", bridge, "--master-port", company.port,
            before=(str(IP), "netns", "exec", name, "unshare", "--time", "--monotonic", ahead_s, "--fork"),
        )  # fmt: skip
    with service("--host", bridge, "--median-ms", "2") as address:
        master, said = company.master(address, 2, "-t", "5s", "--master-bind-host", bridge)
        code = master.wait(60)
    result, run = read_result(company.directory / "out_result.json"), company.run()
    assert code == CODES[result.outcome], said()
    assert len(re.findall(r"its clock is .* its times are converted", said())) == 2
    ledger = read_ledger(company.directory / "out_requests")
    assert {user >> 16 for user in ledger.user.tolist()} == {0, 1}
    assert run["requests"] == len(ledger.status) > 500
    assert {share["clock"] for share in run["processes"]} == {"measured"}
    error_ns = max(share["clock_error_ms"] for share in run["processes"]) * 1e6
    assert ledger.intended_ns.min() > run["started_ns"] - error_ns
    assert ledger.sent_ns.max() < run["ended_ns"] + error_ns + 1e9
    assert sum("has a clock of its own" in reason for reason in result.reasons) == 2


@pytest.mark.long
def test_a_worker_that_joins_late_takes_over_users(company: Company) -> None:
    """Its requests are in the ledger, nothing is counted twice, and run and report say when it came."""
    with service("--median-ms", "2") as address:
        company.worker()
        master, said = company.master(address, 1, "-t", "8s")
        eventually(lambda: "All users spawned" in said() or master.poll() is not None, 30)
        company.worker()
        assert master.wait(60) in (0, 3, 4), said()
    run, ledger = company.run(), read_ledger(company.directory / "out_requests")
    assert {user >> 16 for user in ledger.user.tolist()} == {0, 1}
    assert [share["joined_s"] is not None for share in run["processes"]] == [False, True]
    assert len(np.unique(ledger.user.astype(np.int64) << 40 | (ledger.intended_ns - ledger.intended_ns.min()))) == len(
        ledger.user
    )
    result = read_result(company.directory / "out_result.json")
    assert any("joined" in reason and "after the start" in reason for reason in result.reasons)


def test_a_worker_with_another_locustfile_ends_the_run_before_it_begins(company: Company) -> None:
    """Exit code 2 on both sides, words on both sides, and no load; also where the master is not ready yet."""
    (company.directory / "reader.py").write_text(LOCUSTFILE + SLOW_MASTER)
    (company.directory / "other.py").write_text(LOCUSTFILE.replace('"/"', '"/other"'))
    worker, worker_said = company.worker(file="other.py")
    with service() as address:
        master, said = company.master(address, 2, "-t", "3s")
        assert master.wait(100) == 2, said()
    assert worker.wait(20) == 2, worker_said()
    assert "has another locustfile" in said()
    assert "Unknown message" not in said()
    assert "bring all workers to the same state" in said()
    assert "than its master, and makes no load" in worker_said()
    assert not list(company.directory.glob("out_requests/*.parquet"))


@pytest.mark.long
def test_a_worker_of_another_release_that_comes_late_makes_no_load(company: Company, tmp_path: Path) -> None:
    """It goes home with code 2 before its first user; the run goes on with the others, and says so."""
    release = tmp_path / "release"
    for room in ("contract", "seawall"):
        shutil.copytree(ROOT / room, release / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "targets.toml", release)
    with (release / "seawall" / "load" / "pace.py").open("a") as file:
        file.write("# another release\n")
    with service("--median-ms", "2") as address:
        company.worker()
        master, said = company.master(address, 1, "-t", "8s")
        eventually(lambda: "All users spawned" in said() or master.poll() is not None, 30)
        stranger, stranger_said = company.worker(path=release)
        assert stranger.wait(20) == 2, stranger_said()
        assert master.wait(60) in (0, 3, 4), said()
    assert "another Seawall's code" in stranger_said()
    run, ledger = company.run(), read_ledger(company.directory / "out_requests")
    assert {user >> 16 for user in ledger.user.tolist()} == {0}
    assert ["is sent home" in words for words in run["refused"]] == [True]


@pytest.mark.parametrize(
    ("median_ms", "outcome"), [("2", Outcome.PASS), pytest.param("2500", Outcome.FAIL, marks=pytest.mark.long)]
)
def test_one_process_and_several_give_the_same_verdict(company: Company, median_ms: str, outcome: Outcome) -> None:
    """A fast and a slow service, each loaded alike by one process and by a master with two workers."""
    found = {}
    with service("--median-ms", median_ms) as address:
        for name, many in (("alone", ()), ("several", ("--processes", "2"))):
            found[name] = first_that_says_something(company, name, *many, "--host", address)
    assert {name: result.outcome for name, result in found.items()} == {"alone": outcome, "several": outcome}
    rows = [[(row.name, row.limit, row.outcome) for row in result.targets] for result in found.values()]
    assert rows[0] == rows[1]


def first_that_says_something(company: Company, name: str, *arguments: str) -> Result:
    """Load until a run tells PASS from FAIL, twice at most: a machine that stands still leaves that open, rightly."""
    ports = ["--master-port", company.port, "--master-bind-port", company.port] if "--processes" in arguments else []
    why: list[str] = []
    for attempt in range(2):
        csv = f"{name}{attempt}"
        process, said = company.start(*LOAD, "-t", "4s", "--csv", csv, *ports, *arguments)
        code = process.wait(60)
        result = read_result(company.directory / f"{csv}_result.json")
        assert code == CODES[result.outcome], said()
        if result.outcome in (Outcome.PASS, Outcome.FAIL):
            return result
        why = [row.reason for row in result.targets if row.outcome not in (Outcome.PASS, Outcome.FAIL)]
        assert all(re.match("the generator|the state was not steady|.* straddles ", reason) for reason in why), why
    pytest.skip(f"this machine stood still in every run: {'; '.join(why)}")
