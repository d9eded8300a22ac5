"""What the master knows of its workers: whether they are like it, how their clocks stand, and when they came."""

from __future__ import annotations

import logging
import time
from typing import Any

from locust.env import Environment
from locust.runners import MasterRunner

from seawall.load.clock_exchange import ClockExchange
from seawall.load.likeness import HELLO, UNLIKE, differences, likeness
from seawall.load.plain_run import refuse
from seawall.load.run_record import Share
from seawall.load.shapes import shape_of

logger = logging.getLogger(__name__)


class WorkerWatch:
    """Sends home who would spoil a run, and notes for the others what a reader of the run should know."""

    def __init__(self, environment: Environment, runner: MasterRunner) -> None:
        self._environment = environment
        self._runner = runner
        self.clocks = ClockExchange(runner)
        self.likeness = likeness(environment)
        self.refused: list[str] = []
        """Workers of the last run that were sent home, and why."""
        self._began_s: float | None = None
        self._joined_s: dict[str, float] = {}
        runner.register_message(HELLO, self._greet)
        environment.events.worker_connect.add_listener(self._note_joined)

    def begin(self) -> None:
        """Measure clocks, and say how those of other hosts stand: a run begins now."""
        self.refused.clear()
        self._joined_s.clear()
        self._began_s = time.monotonic()
        self.clocks.measure()
        for client in list(self._runner.clients):
            offset = self.clocks.offset(client)
            if offset is not None:
                index = self._runner.get_worker_index(client)
                logger.info("worker %d (%s): its clock is %s; its times are converted", index, client, offset.words)

    def describe(self, client: str, share: Share) -> None:
        """Add to a worker's *share* when it came and how its clock stands."""
        share.joined_s = self._joined_s.get(client)
        offset = self.clocks.offset(client)
        if offset is not None:
            share.clock = "measured"
            share.clock_ahead_ms = round(-offset.wall_ns / 1e6, 6)
            share.clock_error_ms = round(offset.error_ns / 1e6, 6)

    def _greet(self, msg: Any, **_: Any) -> None:
        unlike = differences(self.likeness, msg.data)
        if not unlike:
            return
        words = f"worker {self._runner.get_worker_index(msg.node_id)} ({msg.node_id}) has {unlike} and is sent home"
        self.refused.append(words)
        logger.error(words)
        self._runner.send_message(UNLIKE, {"unlike": unlike}, client_id=msg.node_id)
        options = self._environment.parsed_options
        if self._began_s is None and options is not None and options.headless:
            for client in list(self._runner.clients):
                self._runner.send_message("quit", client_id=client)
            refuse("bring all workers to the same state, then start again")

    def _note_joined(self, client_id: str, **_: Any) -> None:
        if self._began_s is not None and self._runner.state in ("spawning", "running"):
            self._joined_s[client_id] = round(time.monotonic() - self._began_s, 3)
            now = "it makes no load" if shape_of(self._environment) else "Locust now gives it users of the others"
            logger.warning("%s joined a run that goes on: %s", client_id, now)
