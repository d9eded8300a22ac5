"""Measures how far the clocks of workers on other hosts are from the master's, over Locust's own messages.

The master asks for the time, and the worker's answer lies somewhere between question and answer (Cristian 1989): half
that time is the most by which the offset can be wrong. The quickest of some answers is believed.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import gevent
import msgspec
from locust.runners import MasterRunner, WorkerRunner

from seawall.load.clocks import HostClock, Offset, this_clock

ASK = "seawall_what_time"
ANSWER = "seawall_time"
ASKED_AT_ONCE = 8
ASK_EVERY_S = 10.0
"""Two quartz clocks drift apart by up to a millisecond in ten seconds, usually by a tenth of that."""
KEPT = 24
"""Answers that are weighed: those of some thirty seconds."""
ANSWERED_WITHIN_S = 1.0


def answer_questions(runner: WorkerRunner) -> None:
    """Let a worker tell its time whenever it is asked."""

    def answer(msg: Any, **_: Any) -> None:
        runner.send_message(ANSWER, {**msg.data, "clock": msgspec.to_builtins(this_clock())})

    runner.register_message(ASK, answer)


class ClockExchange:
    """The master's side."""

    def __init__(self, runner: MasterRunner) -> None:
        self._runner = runner
        self._answers: dict[str, deque[Offset]] = {}
        self._shared: set[str] = set()
        """Workers whose clock is the master's own."""
        self._asked_s = 0.0
        runner.register_message(ANSWER, self._take)

    def measure(self) -> None:
        """Ask all workers, some times, and wait for the answers, for a second at most."""
        for _ in range(ASKED_AT_ONCE):
            self.ask()
            gevent.sleep(0.005)
        deadline = time.monotonic() + ANSWERED_WITHIN_S
        while time.monotonic() < deadline and not all(map(self._is_known, list(self._runner.clients))):
            gevent.sleep(0.01)

    def ask_now_and_then(self) -> None:
        """Ask workers on other hosts again, where the last time was long enough ago."""
        if time.monotonic() > self._asked_s + ASK_EVERY_S:
            self.ask()

    def ask(self) -> None:
        """Ask all workers whose clock is not known to be the master's."""
        self._asked_s = time.monotonic()
        for client in list(self._runner.clients):
            if client not in self._shared:
                self._runner.send_message(ASK, {"asked_ns": time.monotonic_ns()}, client_id=client)

    def offset(self, client: str) -> Offset | None:
        """Return the offset of a worker's clock: None where it is the master's own, or nothing is known of it."""
        answers = self._answers.get(client)
        return min(answers, key=lambda answer: answer.error_ns) if answers else None

    def _is_known(self, client: str) -> bool:
        return client in self._shared or client in self._answers

    def _take(self, msg: Any, **_: Any) -> None:
        now, asked_ns = this_clock(), int(msg.data["asked_ns"])
        theirs = msgspec.convert(msg.data["clock"], HostClock)
        if theirs.host == now.host:
            self._shared.add(msg.node_id)
            return
        half_ns = (now.monotonic_ns - asked_ns) // 2
        found = Offset(
            monotonic_ns=now.monotonic_ns - half_ns - theirs.monotonic_ns,
            wall_ns=now.wall_ns - half_ns - theirs.wall_ns,
            error_ns=half_ns,
        )
        self._answers.setdefault(msg.node_id, deque(maxlen=KEPT)).append(found)
