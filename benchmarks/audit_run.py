"""The audit that `benchmarks.audit` measures: reads an `AuditData` from its input, and prints an `AuditRun`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.audit_data import ENTITY, AuditData
from contract.connections import Connections
from contract.topics import topic_of
from seawall.audit.lag import lag_events, lag_over_time
from seawall.audit.ledger import read_ledger
from seawall.audit.log import LogReader
from seawall.audit.offsets import committed_ahead, gaps, inconsistent_with_letters, of_journals
from seawall.audit.order import order_in_log, order_of_visibility
from seawall.audit.reconcile import Found, Sent, reconcile
from seawall.audit.rows import row_reader
from seawall.audit.visibility import Journals
from seawall.result import AuditCounts

_RESET_PEAK = "5"


class Phase(msgspec.Struct, frozen=True):
    """One part of the audit."""

    name: str
    seconds: float
    cpu_s: float
    """Of this process; the rest is the servers' work, and what the machine was busy with otherwise."""
    peak_bytes: int


class AuditRun(msgspec.Struct, frozen=True):
    """What the audit found, and what it took."""

    phases: list[Phase]
    counts: AuditCounts
    violations: dict[str, int]
    examples: dict[str, list[str]]


class Clock:
    """Measures phases."""

    def __init__(self) -> None:
        self.phases: list[Phase] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Note time and highest memory of the block."""
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK)
        begun_s, begun_cpu_s = time.monotonic(), time.process_time()
        yield
        seconds, cpu_s = time.monotonic() - begun_s, time.process_time() - begun_cpu_s
        self.phases.append(Phase(name, round(seconds, 3), round(cpu_s, 3), _peak_bytes()))


def run(data: AuditData) -> AuditRun:
    """Reconcile *data* as a trial's audit does."""
    clock = Clock()
    topic, connections = topic_of(ENTITY), Connections.read()
    rows_reader, log_reader = row_reader(connections), LogReader(connections.kafka)
    with clock.phase("ledger"):
        ledger = read_ledger(Path(data.ledger))
        accepted, low = ledger.accepted, ledger.low
        digests = rows_reader.expected_digests(ENTITY, ledger.seed, ledger.shape)
        sent = Sent(low, accepted, ledger.refused, digests[ledger.content])
    with clock.phase("rows"):
        rows = rows_reader.rows(ENTITY, ledger.run)
        letters = rows_reader.dead_letters(topic, ledger.run)
    with clock.phase("log"):
        log = log_reader.records(topic, ledger.run)
    with clock.phase("visible times"):
        journals = Journals(Path(data.journals))
        visible_ns = journals.visible_ns(log)
    with clock.phase("ids"):
        found = reconcile(ledger.run, sent, Found(rows.low, rows.digest, letters.low, log.low, log.ahead))
    with clock.phase("order and offsets"):
        found.add(order_in_log(ledger.run, low[accepted], log))
        found.add(order_of_visibility(ledger.run, rows.low, log, visible_ns))
        found.add(gaps(log))
        found.add(inconsistent_with_letters(ledger.run, log, letters))
        found.add(of_journals(journals.tally()))
        accounted = np.concatenate([rows.low, letters.low])
        found.add(committed_ahead(ledger.run, log, visible_ns, accounted, {}))
    with clock.phase("consumer lag"):
        events = lag_events(log, low[accepted], ledger.answered_ns[accepted], visible_ns)
        lag_over_time(events, start_ns=int(ledger.intended_ns[0]), end_ns=int(ledger.answered_ns[-1]))
    log_reader.close()
    rows_reader.close()
    return AuditRun(clock.phases, found.counts, found.counts.violations, found.examples)


def _peak_bytes() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError("the kernel does not tell this process's highest memory")


if __name__ == "__main__":
    answer = run(msgspec.json.decode(sys.stdin.buffer.read(), type=AuditData))
    sys.stdout.buffer.write(msgspec.json.encode(answer))
