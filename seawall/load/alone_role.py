"""What a Locust process does around a test that does it all by itself."""

from __future__ import annotations

import time

import gevent
from locust.env import Environment
from locust.runners import LocalRunner

from seawall.load.common_start import NotReady, begin_alone
from seawall.load.options import LoadOptions, announce
from seawall.load.own_share import LAST_WORD_S, OwnShare
from seawall.load.plain_run import Ending, Ledgers, SetRun, exceptions_of, is_running, record_of, set_event
from seawall.load.recorder import ColumnRecorder, LagRecorder
from seawall.load.run_record import RunRecord
from seawall.load.shapes import chosen_profile, shape_of
from seawall.load.start_lag import StartLag

WRITE_EVERY_S = 3.0


class Alone:
    """One process does it all."""

    def __init__(self, environment: Environment, runner: LocalRunner, ledgers: Ledgers, set_run: SetRun) -> None:
        self._environment = environment
        self._runner = runner
        self._ledgers = ledgers
        self._set_run = set_run
        self.ending = Ending(environment)
        self._share: OwnShare | None = None
        self._beginner: gevent.Greenlet | None = None
        """Waits until a shape's users are all there."""
        self._over = set_event()
        environment.events.spawning_complete.add_listener(lambda **_: self._note_all_users())

    def start(self) -> None:
        """Begin this process's share, recorded where that was asked for."""
        self._directory = self._ledgers.next()
        profile = chosen_profile(self._environment, self._environment.parsed_options)
        announce(self._environment.parsed_options, recorded=self._directory is not None, profile=profile)
        options = LoadOptions.of(self._environment.parsed_options)
        self._record = record_of(self._environment, options)
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
        self.ending.begin(self._directory)

    def stopping(self) -> None:
        """Let no user send any more."""
        if self._share is not None:
            if self._beginner is not None:
                self._beginner.kill(block=False)
            self._record.end()
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
        self._record.exceptions = exceptions_of(self._runner)
        self._record.conclude([share])
        self.ending.conclude(self._record, self._directory)
        self._over.set()

    def quitting(self) -> None:
        """Stop the test before Locust decides on its exit code, or let a stop that has begun come to its end."""
        if is_running(self._runner):
            self._runner.stop()
        self._over.wait(LAST_WORD_S)

    def so_far(self) -> RunRecord | None:
        """Return the record of the run by now; None where none goes on."""
        return None if self._share is None else self._record.so_far([self._share.so_far()])

    def _note_all_users(self) -> None:
        if self._share is None or self._record.all_users_ns is not None:
            return
        if self._record.profile is None:
            self._record.all_users_ns = time.monotonic_ns()
        else:
            self._beginner = gevent.spawn(self._begin_together, self._share)

    def _begin_together(self, share: OwnShare) -> None:
        shape = shape_of(self._environment)
        assert shape is not None
        try:
            shape.begins(self._record.follow(begin_alone(share.load, share.load.places), {0: 0}))
        except NotReady as error:
            self.ending.give_up(str(error))

    def _check(self) -> None:
        if self._recorder is not None:
            try:
                self._recorder.check()
            except OSError as error:
                self.ending.fail(error)
        if self._share is not None and not self._record.ended_ns:
            self.ending.tell(self._record.so_far([self._share.so_far()]))
