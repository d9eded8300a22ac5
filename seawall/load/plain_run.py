"""Where plain Locust runs are kept, and how they end."""

from __future__ import annotations

import contextlib
import logging
import sys
from pathlib import Path
from typing import Any

import gevent
import psutil
from gevent.event import Event
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from seawall.load.judging import SETUP, is_judged, verdict_of
from seawall.load.options import record_directory
from seawall.load.parts import holds_ledger
from seawall.load.run_record import FILE_NAME, RunRecord

logger = logging.getLogger(__name__)


class Ledgers:
    """Where the runs of one Locust process are kept: the first in the directory asked for, later ones beside it."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._free: Path | None = None

    def claim(self) -> None:
        """Take the directory asked for before anything starts; raises `OSError` with a reason where it cannot be."""
        directory = self._wanted()
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
        directory, self._free = self._free, None
        if directory is not None and directory == self._wanted():
            return directory
        directory, number = self._wanted(), 2
        if directory is None:
            return None
        first = directory
        while _is_taken(directory):
            directory, number = first.with_name(f"{first.name}-{number}"), number + 1
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def _wanted(self) -> Path | None:
        return record_directory(self._environment.parsed_options)


class Ending:
    """What is said and done at the end of a run, once."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._lines: list[str] = []
        self._to_be_judged: Path | None = None
        self._deciding = False
        self._decided = Event()

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

    def decide(self) -> None:
        """Have the run judged, once, and make its verdict Locust's exit code, whatever single requests failed."""
        environment = self._environment
        if not is_judged(environment.parsed_options, has_page=environment.web_ui is not None):
            return
        if self._deciding:  # a second signal ends Locust again
            self._decided.wait()
            return
        self._deciding = True
        try:
            if environment.process_exit_code == SETUP:
                return
            if self._to_be_judged is None:
                environment.process_exit_code = SETUP
                self._lines.append("no run was started, so there is nothing to judge")
                return
            environment.process_exit_code, lines = verdict_of(self._to_be_judged, environment.parsed_options)
            self._lines += lines
        finally:
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
        runner = self._environment.runner
        if runner is not None:
            gevent.spawn(runner.stop if self._environment.web_ui is not None else runner.quit)


def is_running(runner: LocalRunner | WorkerRunner | MasterRunner) -> bool:
    """Tell whether a test is under way in this process."""
    return runner.state in ("spawning", "running")


def refuse(reason: Any) -> None:
    """Say *reason* and end the process with code 2: wrong usage or setup."""
    logger.error(reason)
    # Workers that Locust has forked already would wait a minute for this master.
    for worker in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.terminate()
    sys.exit(SETUP)


def _is_taken(directory: Path) -> bool:
    return holds_ledger(directory) or (directory / FILE_NAME).exists()
