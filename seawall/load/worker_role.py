"""What a Locust worker does around a test: it makes load, and hands everything in."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from gevent import GreenletExit
from locust.env import Environment
from locust.runners import WorkerRunner

from contract.ids import Run
from seawall.load.clock_exchange import answer_questions
from seawall.load.common_start import follow_the_master
from seawall.load.gathering import FINISH, FINISHED, SEND_EVERY_S, SHARE, SendingRecorder
from seawall.load.judging import SETUP
from seawall.load.likeness import HELLO, UNLIKE, differences, likeness
from seawall.load.options import LoadOptions
from seawall.load.own_share import LAST_WORD_S, OwnShare
from seawall.load.plain_run import SetRun, is_running, set_event
from seawall.load.recorder import LagRecorder
from seawall.load.run import LoadRun
from seawall.load.run_record import Share
from seawall.load.start_lag import StartLag

logger = logging.getLogger(__name__)


class Worker:
    """Makes load, and hands everything in to the master."""

    def __init__(self, environment: Environment, runner: WorkerRunner, set_run: SetRun) -> None:
        self._environment = environment
        self._runner = runner
        self._set_run = set_run
        self._share: OwnShare | None = None
        self._over = set_event()
        self._likeness = likeness(environment)
        runner.register_message(FINISH, self._finish, concurrent=True)
        runner.register_message(UNLIKE, lambda msg, **_: self._go_home(msg.data["unlike"]))
        answer_questions(runner)
        follow_the_master(runner, self._load_of)
        runner.send_message(HELLO, self._likeness)

    def start(self) -> None:
        """Begin this worker's share of the run that the master has announced."""
        unlike = differences(getattr(self._environment.parsed_options, "seawall_likeness", {}), self._likeness)
        if unlike:  # it came when the run was going on already, and was given users at once
            self._go_home(unlike)
        options = LoadOptions.of(self._environment.parsed_options)
        recorder = SendingRecorder(self._runner, options.run, StartLag()) if options.recorded else LagRecorder()
        index = max(0, self._runner.worker_index)
        self._run = options.run
        self._share = OwnShare(
            self._environment, options, index, recorder, flush_every_s=SEND_EVERY_S, on_flush=self._tell
        )
        self._over.clear()
        self._set_run(self._environment, self._share.load)

    def stopping(self) -> None:
        """Let no user send any more."""
        if self._share is not None:
            self._share.stop_sending()

    def stopped(self) -> None:
        """Send the last part, Locust's own last statistics, and the last word."""
        if self._share is None:
            return
        share, self._share = self._share.end(), None
        self._runner._send_stats()  # noqa: SLF001 - Locust sends them too, but behind the last word
        self._send(FINISHED, share)
        self._over.set()

    def quitting(self) -> None:
        """Hand everything in before Locust tells the master that this worker quits."""
        if is_running(self._runner):
            self._runner.stop()
        self._over.wait(LAST_WORD_S)

    def _load_of(self, run: Run) -> LoadRun | None:
        return self._share.load if self._share is not None and self._run == run else None

    def _go_home(self, unlike: str) -> None:
        """End this process with code 2: what it would send is not what the master means."""
        logger.error("this worker has %s than its master, and makes no load", unlike)
        self._environment.process_exit_code = SETUP
        self._runner.greenlet.kill(block=False)
        raise GreenletExit  # not one more word of the master is listened to

    def _tell(self) -> None:
        if self._share is not None and not self._share.load.closed:
            self._send(SHARE, self._share.so_far())

    def _send(self, kind: str, share: Share) -> None:
        self._runner.send_message(kind, {"run": list(self._run), "share": msgspec.to_builtins(share)})

    def _finish(self, **_: Any) -> None:
        if is_running(self._runner):
            self._runner.stop()
        else:  # no test was started here, or one is being stopped: its own last word goes first
            self._over.wait(LAST_WORD_S)
            self._runner.send_message(FINISHED, None)
