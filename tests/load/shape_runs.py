"""Locust with a shape, as its users start it: processes, and what they leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seawall.audit.ledger import read_ledger
from seawall.result import Result, read_result
from seawall.stack.places import ROOT
from seawall.stack.ports import free_ports

LOCUST = str(Path(sys.executable).with_name("locust"))
FILES = ROOT / "locustfiles"
WITHIN_S = 300.0


class ShapeRun:
    """One Locust in a directory and a process group of its own, alone or as the master of two workers."""

    def __init__(self, directory: Path, *arguments: str, shape: str, how: str = "alone") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._log = directory / "said.txt"
        self._files = [
            "-f",
            ",".join([str(FILES / "ingest.py"), *(str(FILES / "shapes" / f"{s}.py") for s in shape.split())]),
        ]
        port = self._port = str(free_ports(1)[0])
        self.workers: list[subprocess.Popen[bytes]] = []
        many = []
        if how == "processes":
            many = ["--processes", "2", "--master-port", port, "--master-bind-port", port]
        elif how == "workers":
            many = ["--master", "--expect-workers", "2", "--master-bind-port", port]
            self.add_worker()
            self.add_worker()
        self.process = self._start("Writes", "--headless", "--csv", "out", *many, *arguments)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                ["env", "--default-signal=INT", LOCUST, *self._files, *arguments], cwd=self.directory,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip

    def add_worker(self) -> None:
        """Start a worker."""
        self.workers.append(self._start("--worker", "--master-port", self._port))

    def sent(self) -> int:
        """Return how many requests Locust's own CSV file knows of by now."""
        path = self.directory / "out_stats_history.csv"
        lines = path.read_text().splitlines()[1:] if path.exists() else []
        totals = [line.split(",")[17] for line in lines if ",Aggregated," in line and line.count(",") > 20]
        return max((int(count or 0) for count in totals), default=0)

    def end(self, number: signal.Signals | None = None) -> int:
        """Send a signal, if one is given, and return the exit code."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=WITHIN_S)
        for worker in self.workers:
            worker.wait(timeout=WITHIN_S)
        return code

    def kill(self) -> None:
        """Leave nothing of it running."""
        for process in (self.process, *self.workers):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def said(self) -> str:
        """Return all that its processes wrote."""
        return self._log.read_text()

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait until *condition* holds."""
        deadline = time.monotonic() + WITHIN_S
        while not condition():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def result(self) -> Result:
        """Return what was judged."""
        return read_result(self.directory / "out_result.json")

    def record(self) -> dict[str, Any]:
        """Return what was written down about the run."""
        found: dict[str, Any] = json.loads((self.directory / "out_requests" / "run.json").read_text())
        return found

    def moments(self) -> list[int]:
        """Return the intended times of all requests, in nanoseconds from the common start."""
        ledger = read_ledger(self.directory / "out_requests")
        return sorted((ledger.intended_ns - self.record()["started_ns"]).tolist())
