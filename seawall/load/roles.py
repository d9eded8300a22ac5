"""What each kind of Locust process does around a test: the one that is alone, a worker, the master.

Locust's events say when a test starts, stops and has stopped; experiments, which have no options, take no role.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

import gevent
import msgspec
from gevent.event import Event
from locust.env import Environment
from locust.runners import STATE_MISSING, STATE_STOPPING, LocalRunner, MasterRunner, Runner, WorkerRunner

from seawall.load.gathering import FINISH, FINISHED, PART, SEND_EVERY_S, Gatherer, SendingRecorder
from seawall.load.options import LoadOptions, announce
from seawall.load.own_share import LAST_ANSWERS_S, OwnShare
from seawall.load.parts import PartFiles
from seawall.load.plain_run import Ending, Ledgers, is_running
from seawall.load.recorder import ColumnRecorder, LagRecorder
from seawall.load.run import LoadRun
from seawall.load.run_record import RunRecord, Share
from seawall.load.scopes import declared_scopes
from seawall.load.start_lag import StartLag

logger = logging.getLogger(__name__)
WRITE_EVERY_S = 3.0
LAST_WORD_S = LAST_ANSWERS_S + 10.0
"""So long the master waits for its workers' last parts."""
CHECK_EVERY_S = 0.5

SetRun = Callable[[Environment, LoadRun], None]


class Role(Protocol):
    """What this process has to do around a test."""

    def start(self) -> None:
        """Prepare before the first user starts."""
        ...

    def stopping(self) -> None:
        """Act before users are stopped."""
        ...

    def stopped(self) -> None:
        """Act after the last user has stopped."""
        ...

    def quitting(self) -> None:
        """Act before Locust decides on its exit code."""
        ...


def _set_event() -> Event:
    event = Event()
    event.set()
    return event


class Alone:
    """One process does it all."""

    def __init__(self, environment: Environment, runner: LocalRunner, ledgers: Ledgers, set_run: SetRun) -> None:
        self._environment = environment
        self._runner = runner
        self._ledgers = ledgers
        self._set_run = set_run
        self.ending = Ending(environment)
        self._share: OwnShare | None = None
        self._over = _set_event()
        environment.events.spawning_complete.add_listener(lambda **_: self._note_all_users())

    def start(self) -> None:
        """Begin this process's share, recorded where that was asked for."""
        self._directory = self._ledgers.next()
        announce(self._environment.parsed_options, recorded=self._directory is not None)
        options = LoadOptions.of(self._environment.parsed_options)
        self._record = _record_of(options, self._environment)
        self._recorder: ColumnRecorder | None = None
        if self._directory is not None:
            self._recorder = ColumnRecorder(
                self._directory, options.run, options.seed, shape=options.shape, start_lag=StartLag(), exist_ok=True
            )
        self._share = OwnShare(
            self._environment, options, 0, self._recorder if self._recorder is not None else LagRecorder(),
            flush_every_s=WRITE_EVERY_S, on_flush=self._check,
        )  # fmt: skip
        self._over.clear()
        self._set_run(self._environment, self._share.load)

    def stopping(self) -> None:
        """Let no user send any more."""
        if self._share is not None:
            self._record.ended_ns = self._record.ended_ns or time.monotonic_ns()
            self._share.stop_sending()

    def stopped(self) -> None:
        """Write the last requests and say how it was."""
        if self._share is None:
            return
        share, self._share = self._share.end(), None
        if self._recorder is not None:
            try:
                self._recorder.close()
            except OSError as error:
                self.ending.fail(error)
        self._record.exceptions = _exceptions(self._runner)
        self._record.conclude([share])
        self.ending.conclude(self._record, self._directory)
        self._over.set()

    def quitting(self) -> None:
        """Stop the test before Locust decides on its exit code, or let a stop that has begun come to its end."""
        if is_running(self._runner):
            self._runner.stop()
        self._over.wait(LAST_WORD_S)

    def _note_all_users(self) -> None:
        if self._share is not None and self._record.all_users_ns is None:
            self._record.all_users_ns = time.monotonic_ns()

    def _check(self) -> None:
        if self._recorder is not None:
            try:
                self._recorder.check()
            except OSError as error:
                self.ending.fail(error)


class Worker:
    """Makes load, and hands everything in to the master."""

    def __init__(self, environment: Environment, runner: WorkerRunner, set_run: SetRun) -> None:
        self._environment = environment
        self._runner = runner
        self._set_run = set_run
        self._share: OwnShare | None = None
        self._over = _set_event()
        runner.register_message(FINISH, self._finish, concurrent=True)

    def start(self) -> None:
        """Begin this worker's share of the run that the master has announced."""
        options = LoadOptions.of(self._environment.parsed_options)
        recorder = SendingRecorder(self._runner, options.run, StartLag()) if options.recorded else LagRecorder()
        index = max(0, self._runner.worker_index)
        self._run = options.run
        self._share = OwnShare(self._environment, options, index, recorder, flush_every_s=SEND_EVERY_S)
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
        self._runner.send_message(FINISHED, {"run": list(self._run), "share": msgspec.to_builtins(share)})
        self._over.set()

    def quitting(self) -> None:
        """Hand everything in before Locust tells the master that this worker quits."""
        if is_running(self._runner):
            self._runner.stop()
        self._over.wait(LAST_WORD_S)

    def _finish(self, **_: Any) -> None:
        if is_running(self._runner):
            self._runner.stop()
        else:  # no test was started here, or one is being stopped: its own last word goes first
            self._over.wait(LAST_WORD_S)
            self._runner.send_message(FINISHED, None)


class Master:
    """Announces runs, and gathers what the workers hand in."""

    def __init__(self, environment: Environment, runner: MasterRunner, ledgers: Ledgers) -> None:
        self._environment = environment
        self._runner = runner
        self._ledgers = ledgers
        self.ending = Ending(environment)
        self._record: RunRecord | None = None
        self._gatherer: Gatherer | None = None
        self._shares: dict[str, Share] = {}
        self._heard: set[str] = set()
        self._over = _set_event()
        runner.register_message(PART, self._take)
        runner.register_message(FINISHED, self._note_finished)
        environment.events.spawning_complete.add_listener(lambda **_: self._note_all_users())

    def start(self) -> None:
        """Mint the run and announce it; Locust sends all options to the workers right after."""
        self._directory = self._ledgers.next()
        announce(self._environment.parsed_options, recorded=self._directory is not None)
        self._options = options = LoadOptions.of(self._environment.parsed_options)
        self._record = _record_of(options, self._environment)
        self._shares.clear()
        self._heard.clear()
        self._done: set[str] = set()
        if self._directory is not None:
            self._gatherer = Gatherer(PartFiles(self._directory, options.run, options.seed, options.shape), options.run)
        self._checker = gevent.spawn(self._check_now_and_then)

    def stopping(self) -> None:
        """Ask all workers to finish, and wait until each has said its last word or is gone."""
        if self._record is None:
            return
        self._over.clear()
        self._record.ended_ns = self._record.ended_ns or time.monotonic_ns()
        runner = self._runner
        self._ratio = dict(runner.reported_user_classes_count)
        # Not running any more: else Locust gives the users of a worker that quits to the others.
        runner.update_state(STATE_STOPPING)
        asked = list(runner.clients)
        self._heard.update(asked)
        for client in asked:
            runner.send_message(FINISH, client_id=client)
        deadline = time.monotonic() + LAST_WORD_S
        while time.monotonic() < deadline and any(self._is_awaited(client) for client in asked):
            gevent.sleep(0.02)

    def stopped(self) -> None:
        """Write what is left and say how it was."""
        if self._record is None:
            return
        record, self._record = self._record, None
        self._runner.final_user_classes_count = self._ratio  # of the workers before they stopped, for Locust's report
        self._checker.kill()
        self._name_the_missing()
        if self._gatherer is not None:
            for client in self._gatherer.converted & self._shares.keys():
                self._shares[client].clock = "wall"
            try:
                self._gatherer.close()
            except OSError as error:
                self.ending.fail(error)
            self._gatherer = None
        record.exceptions = _exceptions(self._runner)
        record.conclude(list(self._shares.values()))
        self.ending.conclude(record, self._directory)
        self._over.set()

    def quitting(self) -> None:
        """Stop the test before Locust decides on its exit code, or let a stop that has begun come to its end."""
        if is_running(self._runner):
            self._runner.quit()
        self._over.wait(LAST_WORD_S)

    def _note_all_users(self) -> None:
        if self._record is not None and self._record.all_users_ns is None:
            self._record.all_users_ns = time.monotonic_ns()

    def _is_awaited(self, client: str) -> bool:
        node = self._runner.clients.get(client)
        return node is not None and node.state != STATE_MISSING and client not in self._done

    def _name_the_missing(self) -> None:
        for client in sorted(self._heard - self._done):
            index = self._runner.get_worker_index(client)
            self._shares[client] = Share(worker=index, host=client.rpartition("_")[0], complete=False)
            logger.warning(
                "worker %d (%s) ended without its last word: requests of its last %.0f seconds are missing",
                index, client, SEND_EVERY_S,
            )  # fmt: skip

    def _take(self, msg: Any, **_: Any) -> None:
        self._heard.add(msg.node_id)
        if self._gatherer is not None:
            self._gatherer.take(msg.node_id, msg.data)

    def _note_finished(self, msg: Any, **_: Any) -> None:
        if msg.data is not None:
            if self._record is None or msg.data["run"] != [self._record.run_ms, self._record.run_nonce]:
                return
            self._shares[msg.node_id] = msgspec.convert(msg.data["share"], Share)
        self._done.add(msg.node_id)

    def _check_now_and_then(self) -> None:
        while True:
            gevent.sleep(CHECK_EVERY_S)
            if self._gatherer is not None:
                try:
                    self._gatherer.check()
                except OSError as error:
                    self.ending.fail(error)


def _record_of(options: LoadOptions, environment: Environment) -> RunRecord:
    classes = environment.user_classes
    host = environment.host or next((user.host for user in classes if user.host), "")
    return RunRecord.of(options, host, declared_scopes(classes))


def _exceptions(runner: Runner) -> dict[str, int]:
    """Return what users raised; Locust's master has its workers' words."""
    return {str(error["msg"]): int(error["count"]) for error in runner.exceptions.values()}


def role_of(environment: Environment, ledgers: Ledgers, set_run: SetRun) -> Alone | Worker | Master:
    """Return what this process does, by its runner."""
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        return Master(environment, runner, ledgers)
    if isinstance(runner, WorkerRunner):
        return Worker(environment, runner, set_run)
    assert isinstance(runner, LocalRunner)
    return Alone(environment, runner, ledgers, set_run)
