"""Load generators that are held against Seawall's: each is asked for speed, and for the latencies it sees."""

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from benchmarks.errors import ProcessFailed
from benchmarks.known_trial import FloatArray
from seawall.audit.ledger import read_ledger
from seawall.experiments.load_process import LoadProcess
from seawall.load.trial import TrialLoad

SHARES = (0.5, 0.95, 0.99)
_CLOSED_PER_S = 30_000
"""How many requests Seawall is given for each second of a closed loop."""

_RAMP_S = 2
_BODY = '{"id":"01890000-0000-8000-8000-000000000000","name":"' + "n" * 180 + '"}'
_WRK = """
wrk.method = "POST"
wrk.body = '%s'
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency, requests)
  local failed = summary.errors.status + summary.errors.read + summary.errors.write + summary.errors.timeout
  local p = function(share) return latency:percentile(share) / 1000 end
  io.write(string.format("\\nfound %%d %%d %%f %%f %%f\\n", summary.requests, failed, p(50), p(95), p(99)))
end
"""


@dataclass(frozen=True)
class Load:
    """What a tool is asked to do: a closed loop where *rate_per_s* is 0."""

    users: int
    seconds: float
    rate_per_s: float = 0.0
    """Of each user."""


@dataclass(frozen=True)
class Seen:
    """What a tool says of its own run."""

    requests: int
    failed: int
    cpu_s: float
    quantiles_ms: tuple[float, ...]
    """p50, p95, p99."""


class Tool(Protocol):
    """A load generator."""

    name: str
    paced: bool
    """Whether it can be asked for a rate of each user; otherwise it runs a closed loop."""

    def is_there(self) -> bool:
        """Tell whether it can be run on this machine."""
        ...

    def run(self, url: str, load: Load) -> Seen:
        """Put *load* on the server at *url*."""
        ...


class Seawall:
    """The generator of every experiment."""

    name, paced = "Seawall", True

    def is_there(self) -> bool:
        """Tell that it is."""
        return True

    def run(self, url: str, load: Load) -> Seen:
        """Run one trial; where no rate is asked, as many requests as a closed loop makes in about the time."""
        count = None if load.rate_per_s else int(_CLOSED_PER_S * load.seconds)
        with tempfile.TemporaryDirectory() as name, LoadProcess(url, Path(name) / "load.log") as process:
            trial = TrialLoad(
                name="peer",
                path="grouped",
                entity="users",
                users=load.users,
                seed=1,
                directory=name,
                count=count,
                rate_per_s=load.rate_per_s or None,
                duration_s=load.seconds,
            )
            done = process.run(trial, lambda _: None)
            ledger = read_ledger(Path(done.ledger))
        times_ms = ((ledger.answered_ns - ledger.intended_ns) / 1e6)[ledger.accepted]
        return Seen(done.sent, int((~ledger.accepted).sum()), done.cpu_s, _quantiles(times_ms))


class Locust:
    """Locust with one of its own user classes."""

    paced = True

    def __init__(self, name: str, user: str, *flags: str) -> None:
        self.name, self._user, self._flags = name, user, flags

    def is_there(self) -> bool:
        """Tell that it is: Seawall is built on it."""
        return True

    def run(self, url: str, load: Load) -> Seen:
        """Run Locust without its web page; the processor time is that after its start."""
        with tempfile.TemporaryDirectory() as name:
            result = Path(name) / "result.json"
            file = str(Path(__file__).with_name("peer_users.py"))
            command = [sys.executable, "-P", "-m", "locust", "-f", file, self._user, "--headless", "--host", url]
            # All users there first, then the statistics anew: connecting is not what is measured.
            command += ["-u", str(load.users), "-r", str(load.users / _RAMP_S), "--reset-stats"]
            command += ["-t", f"{_RAMP_S + max(1, round(load.seconds))}s", "--only-summary", "--loglevel", "ERROR"]
            _run([*command, *self._flags, "--peer-rate", str(load.rate_per_s), "--peer-result", str(result)])
            found = json.loads(result.read_text(encoding="utf-8"))
        return Seen(found["requests"], found["failed"], found["cpu_s"], tuple(found["quantiles_ms"]))


class Wrk:
    """wrk, with one thread."""

    name, paced = "wrk", False

    def is_there(self) -> bool:
        """Tell whether it is installed."""
        return shutil.which("wrk") is not None

    def run(self, url: str, load: Load) -> Seen:
        """Run it with one thread."""
        with tempfile.TemporaryDirectory() as name:
            script = Path(name) / "post.lua"
            script.write_text(_WRK % _BODY, encoding="utf-8")
            seconds = f"{max(1, round(load.seconds))}s"
            out, cpu_s = _run(["wrk", "-t1", f"-c{load.users}", f"-d{seconds}", "-s", str(script), f"{url}/v1"])
        found = next(line for line in out.splitlines() if line.startswith("found ")).split()[1:]
        return Seen(int(found[0]), int(found[1]), cpu_s, tuple(map(float, found[2:])))


class Hey:
    """hey, which tells each request's time to 0.1 ms."""

    name, paced = "hey", False

    def is_there(self) -> bool:
        """Tell whether it is installed."""
        return shutil.which("hey") is not None

    def run(self, url: str, load: Load) -> Seen:
        """Run it on one processor, as the others use one."""
        asked = ["-z", f"{load.seconds}s", "-c", str(load.users), "-cpus", "1", "-o", "csv"]
        out, cpu_s = _run(["hey", *asked, "-m", "POST", "-T", "application/json", "-d", _BODY, f"{url}/v1"])
        rows = list(csv.DictReader(out.splitlines()))
        times_ms = np.array([float(row["response-time"]) * 1e3 for row in rows])
        failed = sum(not row["status-code"].startswith("2") for row in rows)
        return Seen(len(rows), failed, cpu_s, _quantiles(times_ms))


class K6:
    """k6."""

    name, paced = "k6", False

    def is_there(self) -> bool:
        """Tell whether it is installed."""
        return shutil.which("k6") is not None

    def run(self, url: str, load: Load) -> Seen:
        """Run it on one processor, as the others use one; it sends nothing home."""
        script = str(Path(__file__).with_name("peer_k6.js"))
        command = ["k6", "run", "--vus", str(load.users), "--no-usage-report", "--quiet"]
        environment = {"GOMAXPROCS": "1", "PEER_URL": url, "PEER_BODY": _BODY}
        # Its start costs what some ten thousand requests do, and is not what is measured.
        _, start_cpu_s = _run([*command, "--iterations", str(load.users), script], **environment)
        out, cpu_s = _run([*command, "--duration", f"{load.seconds}s", script], **environment)
        found = json.loads(out[out.index("{") :])
        return Seen(found["requests"], found["failed"], cpu_s - start_cpu_s, tuple(found["quantiles_ms"]))


SEAWALL = Seawall()
FAST_HTTP_USER = Locust("Locust FastHttpUser", "Fast")
FAST_HTTP_USER_MENDED = Locust("Locust FastHttpUser, mended", "Fast", "--peer-mended")
"""Without the fault that makes it connect anew for each request from the 1,024th file on."""
HTTP_USER = Locust("Locust HttpUser", "Plain")
TOOLS: tuple[Tool, ...] = (SEAWALL, FAST_HTTP_USER, HTTP_USER, K6(), Wrk(), Hey())
UNSUPPORTED = ("oha and vegeta, of which this benchmark knows nothing",)


def _run(command: Sequence[str], **environment: str) -> tuple[str, float]:
    """Run a tool to its end, and return what it printed and its processor time, s."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1", **environment}
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise ProcessFailed(f"{command[0]} ended with code {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _quantiles(times_ms: FloatArray) -> tuple[float, ...]:
    return tuple(float(np.quantile(times_ms, share)) for share in SHARES)
