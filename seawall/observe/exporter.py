"""``python -m seawall.observe.exporter``: shows Prometheus what the servers of a stack do not show by themselves.

The database's statistics, Valkey's own counts, the sinks' lag as the brokers know it, each process's use of the
machine, and the figures of the last runs. Everything is asked when somebody scrapes; who does not answer is left out,
and `seawall_stack_reachable` says so.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from contract.families import counters, gauges
from contract.metrics_listener import MetricsListener
from seawall.observe.cache import CacheCounts
from seawall.observe.database import DatabaseCounts
from seawall.observe.readings import Reader, Reading
from seawall.observe.runs import LastRuns
from seawall.stack.ports import HOST
from seawall.stack.stack import Stack

_ENDS = {signal.SIGTERM, signal.SIGINT}
PORT, RESULTS = "SEAWALL_EXPORTER_PORT", "SEAWALL_EXPORTER_RESULTS"


class StackCollector(Collector):
    """Looks at the stack each time it is asked; there is nothing to see before it is up."""

    def __init__(self) -> None:
        self._reader: Reader | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield what can be seen now."""
        stack = Stack.attach()
        if stack is None:
            return
        self._reader = self._reader or Reader(stack)
        found = self._reader.read(pages=False)
        yield from _of_stack(found, {service.kind for service in stack.state.services.values()})
        yield from _of_processes(stack)
        if found.database is not None:
            yield from _of_database(found.database)
        if found.cache is not None:
            yield from _of_cache(found.cache)


def _of_stack(found: Reading, kinds: Collection[str]) -> Iterator[Metric]:
    yield gauges(
        "seawall_stack_process_up",
        "Whether a process of the stack runs",
        ["service"],
        {(name,): float(runs) for name, runs in found.processes.items()},
    )
    answers = {
        "postgres": found.database is not None,
        "mariadb": found.database is not None,
        "valkey": found.cache is not None,
    }
    yield gauges(
        "seawall_stack_reachable",
        "Whether a server answered when it was asked for its statistics",
        ["server"],
        {(server,): float(answered) for server, answered in answers.items() if server in kinds},
    )
    if found.lag is not None:
        yield gauges(
            "seawall_stack_lag_records",
            "Records of all topics whose offset no sink has committed, as the brokers know it",
            (),
            {(): found.lag},
        )


def _of_processes(stack: Stack) -> Iterator[Metric]:
    used = stack.resources()
    yield counters(
        "seawall_stack_cpu_seconds", "Processor time of a service, with its children", ["service"],
        {(name,): use.cpu_s for name, use in used.items()},
    )  # fmt: skip
    yield gauges(
        "seawall_stack_memory_bytes", "Memory of a service, with its children", ["service"],
        {(name,): use.rss_bytes for name, use in used.items()},
    )  # fmt: skip


def _of_database(found: DatabaseCounts) -> Iterator[Metric]:
    for name, says, count in (
        (
            "transactions",
            "Transactions that ended; each statement of sync and of the lookups is one",
            found.transactions,
        ),
        ("rolled_back", "Those of them that were rolled back", found.rolled_back),
        ("deadlocks", "Deadlocks", found.deadlocks),
        ("rows_inserted", "Rows that were inserted", found.inserted),
        ("rows_returned", "Rows that statements read", found.returned),
        ("blocks_found", "Blocks that the database had in its own memory", found.blocks_found),
        ("blocks_read", "Blocks that it read from the system", found.blocks_read),
        ("wal_bytes", "Bytes of the write-ahead log, of the whole server", found.wal_bytes),
    ):
        yield counters(f"seawall_database_{name}", says, (), {(): count})
    yield gauges("seawall_database_size_bytes", "Size of the database on disk", (), {(): found.size_bytes})
    yield gauges(
        "seawall_database_connections",
        "Connections to the database: all, those at work, and those that wait for a lock",
        ["state"],
        {
            ("all",): found.connections,
            ("active",): found.active,
            ("waiting_for_lock",): found.waiting_for_locks,
        },
    )


def _of_cache(found: CacheCounts) -> Iterator[Metric]:
    for name, says, count in (
        ("hits", "Keys that were asked for and found", found.hits),
        ("misses", "Keys that were asked for and not found", found.misses),
        ("evicted", "Keys that had to go to make room", found.evicted),
        ("expired", "Keys whose time was over", found.expired),
        ("commands", "Commands", found.commands),
    ):
        yield counters(f"seawall_valkey_{name}", says, (), {(): count})
    for name, says, figure in (
        ("keys", "Keys", found.keys),
        ("memory_bytes", "Memory that it uses", found.memory_bytes),
        ("clients", "Connections", found.clients),
    ):
        yield gauges(f"seawall_valkey_{name}", says, (), {(): figure})


def main() -> int:
    """Show all of that until SIGTERM; return the exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)  # before there are threads, which take that over
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    collectors: list[Collector] = [StackCollector(), LastRuns(Path(os.environ[RESULTS]))]
    listener = MetricsListener(HOST, int(os.environ[PORT]), collectors, None, setting=PORT)
    listener.start()
    signal.sigwait(_ENDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
