"""One instant at which all users of all processes begin to follow a profile, and each one's place in it.

The master asks until every user is connected and waits at its worker's gate. Then it tells each worker the instant, on
that worker's own clock, and from which place on its users are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent
from locust.runners import MasterRunner, WorkerRunner

from contract.ids import Run
from seawall.load.clock_exchange import ClockExchange
from seawall.load.run import LoadRun

READY = "seawall_ready"
"""Asks a worker how many of its users wait, and is its answer."""
BEGIN = "seawall_begin"
READY_WITHIN_S = 60.0
LEAD_S = 0.5
"""So long after the word the instant is: a message between hosts takes less."""
_ASK_EVERY_S = 0.1


class NotReady(RuntimeError):
    """Not all users were there in time."""


def begin_alone(load: LoadRun, users: int) -> int:
    """Wait until all *users* of the only process are ready, let them begin, and return when; raises `NotReady`."""
    deadline = time.monotonic() + READY_WITHIN_S
    while load.waiting < users:
        _check(deadline, load.waiting, users)
        gevent.sleep(0.01)
    start_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
    load.follow(start_ns, 0)
    return start_ns


def follow_the_master(runner: WorkerRunner, load_of: Callable[[Run], LoadRun | None]) -> None:
    """Let a worker tell how many of its users wait, and begin on the master's word; *load_of* knows its runs."""

    def tell(msg: Any, **_: Any) -> None:
        load = load_of(Run(*msg.data["run"]))
        runner.send_message(READY, {**msg.data, "waiting": load.waiting if load else 0})

    def begin(msg: Any, **_: Any) -> None:
        load = load_of(Run(*msg.data["run"]))
        if load is not None:
            load.follow(int(msg.data["start_ns"]), int(msg.data["first_place"]))

    runner.register_message(READY, tell)
    runner.register_message(BEGIN, begin)


class CommonStart:
    """The master's side."""

    def __init__(self, runner: MasterRunner, clocks: ClockExchange) -> None:
        self._runner = runner
        self._clocks = clocks
        self._waiting: dict[str, int] = {}
        self._run: list[int] = []
        runner.register_message(READY, self._note)

    def begin(self, run: Run, users: int) -> tuple[int, dict[int, int]]:
        """Have all *users* begin together; return when, and the first place of each worker by its index.

        Raises `NotReady` where they are not all there in time.
        """
        self._run = list(run)
        self._waiting.clear()
        deadline = time.monotonic() + READY_WITHIN_S
        while sum(self._waiting.values()) < users:
            _check(deadline, sum(self._waiting.values()), users)
            for client in list(self._runner.clients):
                self._runner.send_message(READY, {"run": self._run}, client_id=client)
            gevent.sleep(_ASK_EVERY_S)
        start_ns = time.monotonic_ns() + int(LEAD_S * 1e9)
        places, first = {}, 0
        for client in sorted(self._waiting, key=self._runner.get_worker_index):
            offset = self._clocks.offset(client)
            theirs_ns = start_ns - (offset.monotonic_ns if offset else 0)
            word = {"run": self._run, "start_ns": theirs_ns, "first_place": first}
            self._runner.send_message(BEGIN, word, client_id=client)
            places[self._runner.get_worker_index(client)] = first
            first += self._waiting[client]
        return start_ns, places

    def _note(self, msg: Any, **_: Any) -> None:
        if msg.data["run"] == self._run:
            self._waiting[msg.node_id] = int(msg.data["waiting"])


def _check(deadline: float, ready: int, users: int) -> None:
    if time.monotonic() > deadline:
        raise NotReady(
            f"only {ready:,} of {users:,} users were ready within {READY_WITHIN_S:.0f} s, so the run does not begin:"
            " give fewer by --shape-users, or more processes"
        )
