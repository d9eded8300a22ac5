"""Where plain Locust runs are kept, and how they end."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import gevent
import psutil
from gevent.event import Event
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, Runner, WorkerRunner

from seawall.load.judging import SETUP, Judging, is_judged
from seawall.load.options import LoadOptions, record_directory
from seawall.load.parts import holds_ledger
from seawall.load.run import LoadRun
from seawall.load.run_record import FILE_NAME, RunRecord
from seawall.load.scopes import declared_scopes
from seawall.load.standing import Standing

logger = logging.getLogger(__name__)

SetRun = Callable[[Environment, LoadRun], None]


class Ledgers:
    """Where the runs of one Locust process are kept: the first in the directory asked for, later ones beside it."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._free: Path | None = None

    def claim(self) -> None:
        """Take the directory asked for before anything starts; raises `OSError` with a reason where it cannot be."""
        directory = record_directory(self._environment.parsed_options)
        if directory is None:
            return
        if _is_taken(directory):
            raise FileExistsError(
                f"{directory} holds a recorded run already: give another directory by --record, or move it away"
            )
        try:
            directory.mkdir(parents=True, exist_ok=True)
            probe = directory / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise OSError(f"requests cannot be recorded in {directory}: {error.strerror}") from None
        self._free = directory

    def next(self) -> Path | None:
        """Return the directory of the run that starts now, or None."""
        options = self._environment.parsed_options
        asked_for = record_directory(options)
        free, self._free = self._free, None
        if free is not None and free == asked_for:
            return free
        if asked_for is None and not is_judged(options, has_page=self._environment.web_ui is not None):
            return None
        first = directory = asked_for or Path("results") / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-locust"
        number = 2
        while _is_taken(directory):
            directory, number = first.with_name(f"{first.name}-{number}"), number + 1
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = error.strerror
            logger.warning("requests cannot be recorded in %s (%s), so the run is not judged", directory, why)
            return None
        return directory


class Ending:
    """What is said and done about a run: while it goes on where somebody watches, and at its end."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._lines: list[str] = []
        self._to_be_judged: Path | None = None
        self._judging: Judging | None = None
        self._deciding = False
        self._decided = Event()

    @property
    def standing(self) -> Standing | None:
        """How the last run stands; None before there is something to say, or where it is not judged."""
        return self._judging.standing if self._judging is not None else None

    @property
    def is_open(self) -> bool:
        """Whether the last run goes on, or has ended and is still being judged."""
        return self._judging is not None and not self._judging.over.is_set()

    def begin(self, directory: Path | None) -> None:
        """Have the run that starts now followed, where there is a page that shows how it stands."""
        if self._judging is not None:
            self._judging.end()
        self._to_be_judged = self._judging = None
        if directory is not None and self._environment.web_ui is not None and self._is_judged():
            self._judging = self._judging_of(directory, live=True)

    def tell(self, record: RunRecord) -> None:
        """Tell whoever follows the run how far it is."""
        if self._judging is not None:
            self._judging.tell(record)

    def conclude(self, record: RunRecord, directory: Path | None) -> None:
        """Write *record* beside the requests, and say it: at once on the web, else after Locust's own tables."""
        if record.users or record.requests:
            self._lines = [record.line() + (f"; requests in {directory}" if directory else "")]
        if directory is not None:
            try:
                record.write(directory)
                self._to_be_judged = directory
            except OSError as error:
                self.fail(error)
        if self._environment.web_ui is not None:
            self.say()
        if self._judging is not None:
            self._judging.tell(record)
            gevent.spawn(self._say_verdict, self._judging)

    def decide(self) -> None:
        """Have the run judged, once, and make its verdict Locust's exit code, whatever single requests failed."""
        environment = self._environment
        if not self._is_judged():
            return
        if self._deciding:  # a second signal ends Locust again
            self._decided.wait()
            return
        self._deciding = True
        try:
            if environment.process_exit_code == SETUP:
                return
            if self._to_be_judged is None:
                if environment.web_ui is None:
                    environment.process_exit_code = SETUP
                    self._lines.append("no run was started, so there is nothing to judge")
                return
            if self._judging is None:
                self._judging = self._judging_of(self._to_be_judged, live=False)
            self._judging.wait()
            environment.process_exit_code = self._judging.code
            self._lines += self._judging.take_lines()
        finally:
            if self._judging is not None:
                self._judging.end()
            self._decided.set()

    def say(self) -> None:
        """Say how the run was and what the verdict is, unless it was said."""
        lines, self._lines = self._lines, []
        for line in lines:
            logger.info(line)

    def fail(self, error: OSError) -> None:
        """Say that requests could not be recorded, and end the run with code 2; what was written stays."""
        if self._environment.process_exit_code != SETUP:
            logger.error(
                "requests could not be recorded (%s): the run ends here, and what was written before can be read",
                error.strerror or error,
            )
        self._environment.process_exit_code = SETUP
        self._end_run()

    def give_up(self, reason: str) -> None:
        """Say why the run cannot begin, and end it."""
        logger.error(reason)
        self._end_run()

    def _end_run(self) -> None:
        runner = self._environment.runner
        if runner is not None:
            gevent.spawn(runner.stop if self._environment.web_ui is not None else runner.quit)

    def _is_judged(self) -> bool:
        return is_judged(self._environment.parsed_options, has_page=self._environment.web_ui is not None)

    def _judging_of(self, directory: Path, *, live: bool) -> Judging:
        options: Any = self._environment.parsed_options
        # Beside Locust's CSV files, which are those of the first run of a page as well as of its later ones.
        prefix = options.csv_prefix if options.csv_prefix and directory == record_directory(options) else ""
        return Judging(directory, prefix, options, live=live)

    def _say_verdict(self, judging: Judging) -> None:
        judging.wait()
        self._lines += judging.take_lines()
        self.say()


def record_of(environment: Environment, options: LoadOptions) -> RunRecord:
    """Return the record of a run that begins now."""
    classes = environment.user_classes
    host = environment.host or next((user.host for user in classes if user.host), "")
    return RunRecord.of(options, host, declared_scopes(classes))


def exceptions_of(runner: Runner) -> dict[str, int]:
    """Return what users raised, and how often; Locust's master has its workers' words."""
    return {str(error["msg"]): int(error["count"]) for error in runner.exceptions.values()}


def set_event() -> Event:
    """Return an event that has happened."""
    event = Event()
    event.set()
    return event


def is_running(runner: LocalRunner | WorkerRunner | MasterRunner) -> bool:
    """Tell whether a test is under way in this process."""
    return runner.state in ("spawning", "running")


def refuse(reason: Any) -> NoReturn:
    """Say *reason* and end the process with code 2: wrong usage or setup."""
    logger.error(reason)
    # Workers that Locust has forked already would wait a minute for this master.
    for worker in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.terminate()
    sys.exit(SETUP)


def _is_taken(directory: Path) -> bool:
    return holds_ledger(directory) or (directory / FILE_NAME).exists()
