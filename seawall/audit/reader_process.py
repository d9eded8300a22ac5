"""The independent reader's process, as a trial sees it."""

from __future__ import annotations

import contextlib
import random
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import IO

import msgspec
import numpy as np

from contract.ids import Run
from seawall.audit.errors import AuditFailed
from seawall.audit.reader import ReaderPlan, ReaderReport, Ready
from seawall.audit.sightings import Resolution, Sightings

USERS = 20
EVERY_MS = 10.0
_READY_S, _REPORT_S = 30.0, 60.0
_READ_BYTES = 1 << 20


def sampled_users(users: int, seed: int, count: int = USERS) -> tuple[int, ...]:
    """Return the numbers of *count* of the users 0 to *users* - 1, the same for equal seeds."""
    return tuple(sorted(random.Random(seed).sample(range(users), min(count, users))))


class ReaderProcess:
    """One reader: `start` it before a trial's load, `stop` it after the drain."""

    def __init__(
        self,
        database_url: str,
        mix: Sequence[str],
        users: Sequence[int],
        *,
        every_ms: float = EVERY_MS,
        niceness: int = 10,
    ) -> None:
        self._plan = ReaderPlan(
            database_url=database_url,
            mix=tuple(mix),
            users=tuple(users),
            since_ms=time.time_ns() // 1_000_000,
            every_ms=every_ms,
            niceness=niceness,
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._pending = b""

    def start(self) -> None:
        """Start to poll; runs that began before do not count. Raises `AuditFailed` if the process does not come up."""
        self._plan = msgspec.structs.replace(self._plan, since_ms=time.time_ns() // 1_000_000)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "seawall.audit.reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a terminal's Ctrl-C is for the experiment, which then stops the reader
        )
        # Over its input, since the URL holds a password and arguments can be read by everybody.
        self._write(msgspec.json.encode(self._plan))
        msgspec.json.decode(self._line(_READY_S), type=Ready)

    def stop(self) -> Sightings:
        """End the reader and return what it saw; raises `AuditFailed` if it died."""
        self._write(b"stop")
        try:
            report = msgspec.json.decode(self._line(_REPORT_S), type=ReaderReport)
        finally:
            self.close()
        return _sightings(report)

    def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _write(self, line: bytes) -> None:
        process = self._running()
        assert process.stdin is not None
        try:
            process.stdin.write(line + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise AuditFailed(f"the independent reader ended with code {process.wait()}") from None

    def _line(self, within_s: float) -> bytes:
        """Return the next line of the reader."""
        process = self._running()
        assert process.stdout is not None
        output: IO[bytes] = process.stdout
        deadline = time.monotonic() + within_s
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while b"\n" not in self._pending:
                if not selector.select(timeout=max(0.0, deadline - time.monotonic())):
                    self.close()
                    raise AuditFailed(f"the independent reader said nothing for {within_s:.0f} s")
                found = output.read1(_READ_BYTES)  # type: ignore[attr-defined]  # a BufferedReader, which IO hides
                if not found:
                    raise AuditFailed(f"the independent reader ended with code {process.wait()}")
                self._pending += found
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AuditFailed("the independent reader does not run: start it before the load")
        return self._process


def _sightings(report: ReaderReport) -> Sightings:
    distances_ms = np.diff(np.array(report.polls_ns, dtype=np.int64)) / 1e6
    resolution = None
    if len(distances_ms):
        p50, p99 = np.quantile(distances_ms, [0.5, 0.99]).round(3).tolist()
        resolution = Resolution(p50, p99, round(float(distances_ms.max()), 3))
    return Sightings(
        run=Run(report.run_ms, report.run_nonce) if report.run_ms else None,
        low=np.array(report.low, dtype=np.uint64),
        unseen_ns=np.array(report.unseen_ns, dtype=np.int64),
        begin_ns=np.array(report.begin_ns, dtype=np.int64),
        end_ns=np.array(report.end_ns, dtype=np.int64),
        resolution=resolution,
        polls=len(report.polls_ns),
        failed_polls=report.failed_polls,
        cpu_share=round(report.cpu_s / report.wall_s, 4) if report.wall_s else 0.0,
    )
