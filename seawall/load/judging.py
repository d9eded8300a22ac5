"""Has a recorded run judged, by a process of its own: reading, statistics and pictures would block Locust's loop."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import gevent
import msgspec
from gevent import subprocess
from gevent.event import Event

from seawall.load.options import judging_options
from seawall.load.run_record import RunRecord
from seawall.load.standing import Standing
from seawall.stack.places import ROOT

JUDGED_WITHIN_S = 900.0
SETUP = 2


def is_judged(options: Any, *, has_page: bool) -> bool:
    """Tell whether runs of these options are judged: what is recorded is, and what somebody watches is recorded."""
    return bool(options.record or options.csv_prefix or has_page) and not (options.no_verdict or options.worker)


class Judging:
    """One run's judging.

    Where it is *live* it begins with the run, and says how that stands while it goes on; else it begins at its end.
    """

    def __init__(self, directory: Path, prefix: str, options: Any, *, live: bool) -> None:
        """Result, report and JUnit file get names that begin with *prefix*, or lie in *directory* where it is empty."""
        self._directory = directory
        self.standing: Standing | None = None
        """The last that was said of a run that is watched."""
        self._lines: list[str] = []
        self.code = SETUP
        """The verdict as an exit code, once it is over."""
        self.over = Event()
        held_to = judging_options(options)
        words = [sys.executable, "-P", "-m", "seawall.cli.recorded", str(directory), "--targets", str(held_to.targets)]
        words += ["--judge-from-s", str(held_to.skip_s)]
        words += ["--prefix", prefix] if prefix else []
        words += ["--attain"] if held_to.attain else []
        words += ["--live"] if live else []
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE if live else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # a second Ctrl-C is for Locust, which ends this process
        )
        self._listener = gevent.spawn(self._listen)

    def tell(self, record: RunRecord) -> None:
        """Tell it what is known of the run by now; one that has ended is judged."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):  # it ended early, and its lines will say why
                self._process.stdin.write(msgspec.json.encode(record) + b"\n")
                self._process.stdin.flush()

    def wait(self) -> None:
        """Wait until the run is judged; where that takes too long, end it and say so."""
        if self.over.wait(JUDGED_WITHIN_S):
            return
        self.end()
        self._lines = [
            f"the run could not be judged within {JUDGED_WITHIN_S:.0f} s; its requests are in {self._directory}"
        ]

    def take_lines(self) -> list[str]:
        """Return what is to be said at the end, once."""
        lines, self._lines = self._lines, []
        return lines

    def end(self) -> None:
        """End the process, whether it is done or not."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._listener.join()

    def _listen(self) -> None:
        for line in self._process.stdout:
            if line.startswith(b"{"):
                self.standing = msgspec.json.decode(line, type=Standing)
            else:
                self._lines.append(line.decode(errors="replace").rstrip())
        code = self._process.wait()
        if code < 0:
            self._lines.append(f"judging the run was ended by signal {-code}; its requests are in {self._directory}")
        self.code = code if code >= 0 else SETUP
        self.over.set()
