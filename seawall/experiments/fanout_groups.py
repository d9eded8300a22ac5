"""The consumer groups of one trial of `stream fanout`: which there are, how they are started, and what they made."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contract.connections import Connections
from contract.journal import Commit, read_journal
from seawall.audit.group_letters import letters_in_topic, letters_of_queue
from seawall.audit.group_results import (
    Checked,
    OrderRows,
    check_archive,
    check_index,
    check_notifications,
    check_windows,
)
from seawall.experiments.stream_fanout_options import KINDS, FanoutOptions, TrialPlan
from seawall.result.fanout import ANALYTICS, ARCHIVE, LOG, NOTIFICATION, SEARCH, SLOW, STORE, STUMBLING
from seawall.stack.ports import HOST, free_ports
from seawall.stack.stack import Stack
from seawall.stack.workers import WorkerProcess

_WINDOW_S = 5.0
_LATENESS_S = 3_600.0
"""Rows come out of the queue of a database in another order than that of their event times."""


@dataclass(frozen=True)
class Reader:
    """A group beside that which stores."""

    name: str
    """Of the group, and of what it writes."""
    kind: str
    queue: str
    """From which it takes its records; empty where it reads the log."""


class Progress:
    """What a group's journal says, read on as it grows."""

    def __init__(self, path: Path) -> None:
        self._path, self._read_to = path, 0
        self.done = self.buried = 0
        self.steps: list[tuple[int, int]] = []
        """When each batch was done, monotonic ns, and how many records had been dealt with by then."""

    @property
    def last_ns(self) -> int:
        """When its last batch was done, monotonic; 0 where none was."""
        return self.steps[-1][0] if self.steps else 0

    def read_on(self) -> int:
        """Return how many records it has dealt with so far."""
        if self._path.exists():
            entries, self._read_to = read_journal(self._path, self._read_to)
            for entry in entries:
                if isinstance(entry, Commit):
                    self.done += entry.stored
                    self.buried += entry.dead_lettered
                    self.steps.append((entry.monotonic_ns, self.done + self.buried))
        return self.done + self.buried


class Readers:
    """All groups of a trial but the one that stores; enter it to start them, and it stops them in the end."""

    def __init__(self, plan: TrialPlan, number: int, stack: Stack, options: FanoutOptions, place: Path) -> None:
        self._plan, self._stack, self._options = plan, stack, options
        self._place = place.absolute()
        kinds = KINDS[1 : plan.count]
        self.readers = [
            Reader(
                name=f"{number:02d}-{kind}-{1 + kinds[:at].count(kind)}",
                kind=kind,
                queue="" if plan.arm == LOG else f"seawall_copy_{at + 1}",
            )
            for at, kind in enumerate(kinds)
        ]
        self.progress = {one.name: Progress(self._directory / f"{one.name}.jsonl") for one in self.readers}
        self.workers: dict[str, WorkerProcess] = {}
        self._open = contextlib.ExitStack()

    @property
    def queues(self) -> list[str]:
        """The tables into which rows are copied."""
        return [one.queue for one in self.readers if one.queue]

    @property
    def odd(self) -> Reader | None:
        """The group with which something is the matter: the last."""
        return self.readers[-1] if self.readers and self._plan.what in (SLOW, STUMBLING) else None

    def start(self) -> None:
        """Start them, and wait until all read."""
        urls = {}
        for one in self.readers:
            if one.kind == NOTIFICATION:
                urls[one.name] = self._start_receiver(one)
        for one in self.readers:
            module = "controls.groups" if one is self.odd and self._plan.what == STUMBLING else "workers.groups"
            worker = WorkerProcess(one.name, module, self._stack, self._directory, self._variables(one, urls))
            self.workers[one.name] = worker
            self._open.callback(worker.stop)
        for worker in self.workers.values():
            worker.await_ready()

    def stop(self) -> None:
        """Stop them; what they took is kept before they end."""
        self._open.close()

    def are_done(self, records: int) -> bool:
        """Tell whether each has dealt with so many records; none waits for one that has ended."""
        dealt = [self.progress[one.name].read_on() >= records for one in self.readers]
        return all(dealt) or any(worker.ended for worker in self.workers.values())

    def check(self, connections: Connections) -> dict[str, tuple[Checked, frozenset[str]]]:
        """Return of each group whether its work is as it should be, and which records it has buried."""
        rows = OrderRows(connections)
        return {one.name: self._checked(one, connections, rows) for one in self.readers}

    def _checked(self, one: Reader, connections: Connections, rows: OrderRows) -> tuple[Checked, frozenset[str]]:
        buried = (
            letters_of_queue(connections, one.queue) if one.queue else letters_in_topic(connections.kafka, one.name)
        )
        checks: dict[str, Callable[[], Checked]] = {
            ANALYTICS: lambda: check_windows(connections, one.name, round(_WINDOW_S * 1e6), buried),
            NOTIFICATION: lambda: check_notifications(self._received(one), rows.without(buried)),
            SEARCH: lambda: check_index(self._directory / f"{one.name}.sqlite", rows, buried),
            ARCHIVE: lambda: check_archive(self._directory / one.name, rows, buried),
        }
        return checks[one.kind](), buried

    @property
    def _directory(self) -> Path:
        return self._place / "groups"

    def _received(self, one: Reader) -> Path:
        return self._directory / f"{one.name}.received"

    def _start_receiver(self, one: Reader) -> str:
        (port,) = free_ports(1)
        receiver = WorkerProcess(
            f"{one.name}-receiver",
            "seawall.stack.notification_receiver",
            self._stack,
            self._directory,
            {},
            str(port),
            str(self._received(one)),
        )
        self._open.callback(receiver.stop)
        receiver.await_ready()
        return f"http://{HOST}:{port}/orders"

    def _variables(self, one: Reader, urls: dict[str, str]) -> dict[str, str]:
        found = {
            "KIND": one.kind,
            "NAME": one.name,
            "QUEUE_TABLE": one.queue,
            "DIRECTORY": str(self._directory),
            "NOTIFY_URL": urls.get(one.name, ""),
            "WINDOW_S": str(_WINDOW_S),
            "LATENESS_S": str(_LATENESS_S),
        }
        if one is self.odd and self._plan.what == SLOW:
            found |= {"DELAY_MS": str(self._options.slow_ms), "BATCH_SIZE": str(self._options.slow_batch)}
        variables = {f"SEAWALL_GROUP_{name}": value for name, value in found.items()}
        if one is self.odd and self._plan.what == STUMBLING:
            variables["SEAWALL_STUMBLE_AT"] = str(self._options.records // 3)
        return variables


def store_name() -> str:
    """Return what the group that stores is called."""
    return f"{STORE}-1"
