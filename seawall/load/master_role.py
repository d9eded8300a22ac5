"""What a Locust master does around a test: it announces runs, and gathers what its workers hand in."""

from __future__ import annotations

import logging
import time
from typing import Any

import gevent
import msgspec
from locust.env import Environment
from locust.runners import STATE_MISSING, STATE_STOPPING, MasterRunner

from seawall.load.common_start import CommonStart, NotReady
from seawall.load.gathering import FINISH, FINISHED, PART, SEND_EVERY_S, SHARE, Gatherer
from seawall.load.options import LoadOptions, announce
from seawall.load.own_share import LAST_WORD_S
from seawall.load.parts import PartFiles
from seawall.load.plain_run import Ending, Ledgers, exceptions_of, is_running, record_of, set_event
from seawall.load.run_record import RunRecord, Share
from seawall.load.shapes import chosen_profile, shape_of
from seawall.load.worker_watch import WorkerWatch

logger = logging.getLogger(__name__)
CHECK_EVERY_S = 1.0


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
        """Of the workers that have said their last word, or never will."""
        self._shares_so_far: dict[str, Share] = {}
        self._heard: set[str] = set()
        self._over = set_event()
        self._beginner: gevent.Greenlet | None = None
        """Waits until a shape's users are all there."""
        self._stopper: Any = None
        """The greenlet that stops the run."""
        self._workers = WorkerWatch(environment, runner)
        self._common_start = CommonStart(runner, self._workers.clocks)
        runner.register_message(PART, self._take)
        runner.register_message(SHARE, self._note_share)
        runner.register_message(FINISHED, self._note_finished)
        environment.events.spawning_complete.add_listener(lambda **_: self._note_all_users())

    def start(self) -> None:
        """Mint the run and announce it; Locust sends all options to the workers right after."""
        self._directory = self._ledgers.next()
        self._workers.begin()
        parsed: Any = self._environment.parsed_options
        parsed.seawall_likeness = self._workers.likeness
        profile = chosen_profile(self._environment, parsed)
        announce(parsed, recorded=self._directory is not None, profile=profile)
        self._options = options = LoadOptions.of(self._environment.parsed_options)
        self._record = record_of(self._environment, options)
        self._shares.clear()
        self._shares_so_far.clear()
        self._heard.clear()
        self._done: set[str] = set()
        if self._directory is not None:
            files = PartFiles(self._directory, options.run, options.seed, options.shape)
            self._gatherer = Gatherer(files, options.run, self._workers.clocks.offset)
        self._checker = gevent.spawn(self._check_now_and_then)
        self.ending.begin(self._directory)

    def stopping(self) -> None:
        """Ask all workers to finish, and wait until each has said its last word or is gone."""
        if self._record is None:
            return
        self._over.clear()
        self._stopper = gevent.getcurrent()
        if self._beginner is not None:
            self._beginner.kill(block=False)
        self._record.end()
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
        """Write what is left and say how it was.

        It does so in a greenlet that is nobody's: where the last worker of a shape's run is gone, Locust stops the run
        in one that it then ends, since the end of the shape makes it quit.
        """
        gevent.spawn(self._conclude).join()

    def _conclude(self) -> None:
        if self._record is None:
            return
        record, self._record = self._record, None
        self._runner.final_user_classes_count = self._ratio  # of the workers before they stopped, for Locust's report
        self._checker.kill()
        self._name_the_missing()
        for client, share in self._shares.items():
            self._workers.describe(client, share)
        record.refused = list(self._workers.refused)
        if self._gatherer is not None:
            for client in self._gatherer.converted & self._shares.keys():
                self._shares[client].clock = "wall"
            try:
                self._gatherer.close()
            except OSError as error:
                self.ending.fail(error)
            self._gatherer = None
        record.exceptions = exceptions_of(self._runner)
        record.conclude(list(self._shares.values()))
        self.ending.conclude(record, self._directory)
        self._over.set()

    def quitting(self) -> None:
        """Stop the test before Locust decides on its exit code, or let a stop that has begun come to its end."""
        if is_running(self._runner):
            self._runner.quit()
        elif self._stopper is not None and self._stopper.dead:
            self.stopped()  # which it was ended before
        self._over.wait(LAST_WORD_S)

    def so_far(self) -> RunRecord | None:
        """Return the record of the run by now; None where none goes on."""
        return None if self._record is None else self._record.so_far(list(self._shares_so_far.values()))

    def _note_all_users(self) -> None:
        if self._record is None or self._record.all_users_ns is not None:
            return
        if self._record.profile is None:
            self._record.all_users_ns = time.monotonic_ns()
        else:
            self._beginner = gevent.spawn(self._begin_together, self._record)

    def _begin_together(self, record: RunRecord) -> None:
        shape = shape_of(self._environment)
        assert shape is not None
        # Locust would give a worker that comes later users of the others, whose places would then be nobody's.
        self._runner._users_dispatcher = None  # noqa: SLF001
        try:
            shape.begins(record.follow(*self._common_start.begin(self._options.run, record.places)))
        except NotReady as error:
            self.ending.give_up(str(error))

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

    def _note_share(self, msg: Any, **_: Any) -> None:
        if self._is_of_this_run(msg.data):
            self._shares_so_far[msg.node_id] = msgspec.convert(msg.data["share"], Share)

    def _note_finished(self, msg: Any, **_: Any) -> None:
        if msg.data is not None:
            if not self._is_of_this_run(msg.data):
                return
            self._shares[msg.node_id] = msgspec.convert(msg.data["share"], Share)
        self._done.add(msg.node_id)

    def _is_of_this_run(self, data: dict[str, Any]) -> bool:
        return self._record is not None and data["run"] == [self._record.run_ms, self._record.run_nonce]

    def _check_now_and_then(self) -> None:
        while True:
            gevent.sleep(CHECK_EVERY_S)
            self._workers.clocks.ask_now_and_then()
            if self._gatherer is not None:
                try:
                    self._gatherer.check()
                except OSError as error:
                    self.ending.fail(error)
            if self._record is not None and not self._record.ended_ns:
                self.ending.tell(self._record.so_far(list(self._shares_so_far.values())))
