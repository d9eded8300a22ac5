"""One run of the real sink, as a process of its own: from its first commit to its last, by its own journal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from benchmarks.errors import ProcessFailed
from contract.journal import Commit, read_journal
from seawall.stack import launch
from seawall.stack.children import NICENESS
from seawall.stack.stack import Stack

_LOOK_S = 0.02
_STALLED_S = 30.0
_STOP_S = 20.0


class CpuUse(msgspec.Struct, frozen=True):
    """Processor seconds of the sink and of the servers."""

    sink_s: float
    postgres_s: float
    kafka_s: float

    def since(self, before: CpuUse) -> CpuUse:
        """Return what was used since *before*."""
        return CpuUse(self.sink_s - before.sink_s, self.postgres_s - before.postgres_s, self.kafka_s - before.kafka_s)


class SinkRun(msgspec.Struct, frozen=True):
    """What a sink did after its first commit."""

    commits: list[Commit]
    cpu: CpuUse

    @property
    def rows(self) -> int:
        """Rows that were stored after the first commit."""
        return sum(commit.stored for commit in self.commits[1:])

    @property
    def seconds(self) -> float:
        """From the first commit to the last."""
        return (self.commits[-1].monotonic_ns - self.commits[0].monotonic_ns) / 1e9


class SinkProcess:
    """A sink with a name, a group and a journal of its own."""

    def __init__(self, stack: Stack, process: subprocess.Popen[bytes], journal: Path) -> None:
        self._stack, self._process, self._journal = stack, process, journal
        self._commits: list[Commit] = []
        self._position = 0

    def use(self) -> CpuUse:
        """Return what sink and servers have used so far."""
        times, servers = psutil.Process(self._process.pid).cpu_times(), self._stack.resources()
        kafka_s = sum(use.cpu_s for name, use in servers.items() if name.startswith("kafka"))
        return CpuUse(times.user + times.system, servers["postgres"].cpu_s, kafka_s)

    def run_until(self, records: int) -> SinkRun:
        """Wait until the journal holds so many records more; raises `ProcessFailed` where nothing moves any more."""
        first, covered, before = len(self._commits), 0, None
        moved_s = time.monotonic()
        while covered < records:
            time.sleep(_LOOK_S)
            new = self._read()
            if new:
                moved_s = time.monotonic()
                before = before or self.use()
                covered += sum(commit.stored + commit.duplicates + commit.dead_lettered for commit in new)
            elif time.monotonic() - moved_s > _STALLED_S or self._process.poll() is not None:
                raise ProcessFailed(f"the sink stored {covered:,} of {records:,} records and then no more")
        assert before is not None
        return SinkRun(self._commits[first:], self.use().since(before))

    def _read(self) -> list[Commit]:
        if not self._journal.exists():
            return []
        entries, self._position = read_journal(self._journal, self._position)
        new = [entry for entry in entries if isinstance(entry, Commit)]
        self._commits += new
        return new


@contextmanager
def running_sink(stack: Stack, directory: Path, name: str, cores: set[int]) -> Iterator[SinkProcess]:
    """Run a sink that reads the whole log, at the priority of the stack's servers, on *cores*."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("SEAWALL_SINK_")},
        **stack.connections.environment(),
        "SEAWALL_SINK_NAME": name,
        "SEAWALL_SINK_GROUP": name,
        "SEAWALL_JOURNAL_DIR": str(directory),
    }
    launcher = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(int(signal.SIGKILL))]
    with subprocess.Popen(
        [*launcher, str(NICENESS), "-", sys.executable, "-P", "-m", "workers.sink"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=(directory / f"{name}.log").open("wb"),
    ) as process:
        os.sched_setaffinity(process.pid, cores)
        try:
            yield SinkProcess(stack, process, directory / f"{name}.jsonl")
        finally:
            process.terminate()
            try:
                process.wait(timeout=_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
