"""A trial made by Locust's own master and workers, as ``locust --headless --processes N`` runs them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from seawall.experiments.errors import LoadFailed
from seawall.experiments.resources import ResourceWatch
from seawall.experiments.scale_options import ScaleOptions
from seawall.result import Trial, read_result
from seawall.stack.places import ROOT
from seawall.stack.ports import free_ports
from seawall.stack.stack import Stack
from seawall.stack.usage import ResourceUse

MASTER, WORKER = "locust-master", "locust-worker"
_RUNS_ON_S = 240.0
"""Beyond its time: draining, audit and report."""
_STOPS_WITHIN_S = 20.0


@dataclass(frozen=True)
class LocustWorkers:
    """Loads the stack that is up, trial after trial, each by a Locust of its own that is recorded and audited."""

    options: ScaleOptions
    stack: Stack
    directory: Path
    targets: Path

    def run(self, name: str, count: int) -> Trial:
        """Return the trial that *count* workers made on fresh state; raises `LoadFailed`.

        What servers and Locust's processes used lies beside its ledger, as with any other trial.
        """
        self.stack.fresh()
        ledger = self.directory / "raw" / f"{name}.parquet"
        prefix = self.directory / "raw" / name
        log = self.directory / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with (
            _locust(self._command(count, ledger, prefix), log) as process,
            ResourceWatch(lambda: {**self.stack.resources(), **_use_of(process.pid)}) as resources,
        ):
            try:
                process.wait(self.options.warmup_s + self.options.duration_s + _RUNS_ON_S)
            except subprocess.TimeoutExpired:
                raise LoadFailed(f"Locust with {count} workers did not come to its end; see {log}") from None
        result = prefix.with_name(f"{name}_result.json")
        if not result.exists():
            raise LoadFailed(f"Locust with {count} workers ended with code {process.returncode}; see {log}")
        resources.write(ledger / "resources.parquet")
        (trial,) = read_result(result).trials
        return msgspec.structs.replace(trial, name=name, ledger="")

    def _command(self, count: int, ledger: Path, prefix: Path) -> list[str]:
        options, port = self.options, str(free_ports(1)[0])
        users = str(options.users(count))
        return [
            sys.executable, "-m", "locust", "-f", str(ROOT / "locustfiles" / "ingest.py"), "Writes",
            "--path", options.path, "--headless", "--processes", str(count),
            "--master-port", port, "--master-bind-port", port,
            "--host", self.stack.state.api_url, "-u", users, "-r", users,
            "-t", f"{options.warmup_s + options.duration_s:.0f}s", "--judge-from", f"{options.warmup_s:g}s",
            "--user-rate", f"{options.rate_each_per_s / options.users_each:g}", "--entity", options.entity,
            "--arrival", "uniform", "--seed", str(options.seed), "--csv", str(prefix), "--record", str(ledger),
            "--targets", str(self.targets),
        ]  # fmt: skip


@contextmanager
def _locust(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start Locust, and leave nothing of it behind."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # a terminal's Ctrl-C is for the experiment, which then stops Locust
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOPS_WITHIN_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _use_of(pid: int) -> dict[str, ResourceUse]:
    """Return what master and workers have used so far; the workers are the master's forks, so they share its words."""
    found = {}
    with contextlib.suppress(psutil.Error):
        master = psutil.Process(pid)
        found[MASTER] = _use(master)
        words = master.cmdline()
        workers = [child for child in master.children() if child.cmdline() == words]
        for number, worker in enumerate(sorted(workers, key=lambda worker: worker.pid), start=1):
            found[f"{WORKER}-{number}"] = _use(worker)
    return found


def _use(process: psutil.Process) -> ResourceUse:
    times = process.cpu_times()
    return ResourceUse(times.user + times.system, process.memory_info().rss)
