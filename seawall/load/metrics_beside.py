"""The process that shows a load's figures to Prometheus, as whoever makes the load or watches it sees that process."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import msgspec

from seawall.load.live_wire import Begun, LiveFigures, Place
from seawall.stack.places import ROOT
from seawall.stack.prometheus import targets_directory
from seawall.stack.state import StackState, read_state

EVERY_S = 2.0
"""So often figures are handed over."""
LOOPBACK = "127.0.0.1"
_ENDS_WITHIN_S = 2.0

logger = logging.getLogger(__name__)


class MetricsBeside:
    """The process; it ends with `end`, or with whoever started it."""

    def __init__(self, place: Place, popen: Callable[..., Any] = subprocess.Popen) -> None:
        """Start it by *popen*, which is gevent's where others must go on meanwhile."""
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        self._process = popen(
            [sys.executable, "-P", "-m", "seawall.load.metrics_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # a Ctrl-C is for whoever makes the load, who ends this process
        )
        self._send(place)

    def begun(self) -> Begun:
        """Wait until it listens, and return where, or what is in the way."""
        line = self._process.stdout.readline()
        return msgspec.json.decode(line, type=Begun) if line else Begun(trouble="it did not start")

    def tell(self, figures: LiveFigures) -> None:
        """Have it show *figures*; raises `OSError` or `ValueError` where it is gone."""
        self._send(figures)

    def has_ended(self) -> None:
        """Say in the log that it is gone, and with which code."""
        code = self._process.wait()
        logger.warning("the process that shows metrics has ended (code %s): the run goes on without them", code)

    def end(self) -> None:
        """Show them no more."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDS_WITHIN_S)
            return
        self._process.kill()
        self._process.wait()

    def _send(self, message: msgspec.Struct) -> None:
        self._process.stdin.write(msgspec.json.encode(message) + b"\n")
        self._process.stdin.flush()


class ShownBeside:
    """Shows a load that Locust does not make to the Prometheus of the stack that bears it; use as a context manager.

    Where the stack is not observed nothing is started, and `tell` does nothing.
    """

    def __init__(self, api_url: str) -> None:
        place = place_beside(api_url)
        self._metrics = None if place is None else MetricsBeside(place)
        self._next_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._metrics is not None:
            self._metrics.end()

    @property
    def wanted(self) -> bool:
        """Whether anybody reads figures."""
        return self._metrics is not None

    def tell(self, figures: Callable[[], LiveFigures | None]) -> None:
        """Show what *figures* returns, every other second, however often this is called; None leaves the last ones."""
        if self._metrics is None or time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + EVERY_S
        found = figures()
        if found is None:
            return
        try:
            self._metrics.tell(found)
        except OSError:
            self._metrics.has_ended()
            self._metrics = None


def place_beside(api_url: str) -> Place | None:
    """Return where the stack that serves *api_url* reads figures, on loopback; None where it is not observed."""
    state = read_state()
    observer = observer_of(state) if state is not None and state.api_url == api_url else ""
    return Place(host=LOOPBACK, port=0, targets_directory=observer) if observer else None


def observer_of(state: StackState | None) -> str:
    """Return the directory in which the Prometheus of a stack looks for what it should read; empty without one."""
    if state is None or "prometheus" not in state.services:
        return ""
    return str(targets_directory(Path(state.data_dir)))
