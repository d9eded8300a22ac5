"""Has the figures of a Locust process shown to Prometheus, by another process: a scrape takes none of the load's time.

They are handed over every other second, which takes a millisecond or so. Only a master, or a process that is alone, has
any, and the load process of an experiment; workers' figures are in those of their master.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import gevent
import msgspec
from gevent import subprocess
from locust.env import Environment

from seawall.load.live_figures import Beside, live_figures
from seawall.load.live_wire import Begun, LiveFigures, Place
from seawall.load.plain_run import Ending
from seawall.load.run_record import RunRecord
from seawall.stack.places import ROOT
from seawall.stack.prometheus import targets_directory
from seawall.stack.state import StackState, read_state

EVERY_S = 2.0
PORT, HOST = "SEAWALL_LOAD_METRICS_PORT", "SEAWALL_LOAD_METRICS_HOST"
_BEGUN_WITHIN_S = 20.0
_LOOPBACK = "127.0.0.1"
_LAST_PORT = 65535

logger = logging.getLogger(__name__)


class Shown(Protocol):
    """A role whose run is shown."""

    ending: Ending

    def so_far(self) -> RunRecord | None:
        """Return the record of the run by now; None where none goes on."""
        ...


class FiguresOfRole:
    """What is told of a process's runs, one after the other."""

    def __init__(self, environment: Environment, role: Shown) -> None:
        self._environment, self._role = environment, role
        self._last: Beside | None = None

    def __call__(self) -> LiveFigures:
        """Return how the run stands; between runs, how the last one ended."""
        standing, record = self._role.ending.standing, self._role.so_far()
        self._last = Beside.of(record) if record is not None else self._last
        return live_figures(self._environment, self._last, standing.outcome if standing else "")


class LiveMetrics:
    """The process that shows them, and the greenlet that tells it how the run stands."""

    def __init__(self, figures: Callable[[], LiveFigures], place: Place) -> None:
        """Begin to tell *figures*; raises `ValueError` where they cannot be shown at *place*."""
        self._figures = figures
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "seawall.load.metrics_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # a Ctrl-C is for Locust, which ends this process
        )
        self._send(place)
        with gevent.Timeout(_BEGUN_WITHIN_S, exception=False):
            line = self._process.stdout.readline()
            begun = msgspec.json.decode(line, type=Begun) if line else Begun(trouble="it did not start")
            if begun.url:
                logger.info("metrics: %s", begun.url)
                self._teller = gevent.spawn(self._tell)
                return
            self.end()
            raise ValueError(f"the metrics of this run cannot be shown: {begun.trouble}")
        self.end()
        raise ValueError(f"the metrics of this run cannot be shown: nothing listened within {_BEGUN_WITHIN_S:.0f} s")

    def end(self, **_: Any) -> None:
        """Show them no more."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2.0)
            return
        self._process.kill()
        self._process.wait()

    def _tell(self) -> None:
        while True:
            try:
                self._send(self._figures())
            except (OSError, ValueError):
                code = self._process.wait()
                logger.warning("the process that shows metrics has ended (code %s): the run goes on without them", code)
                return
            gevent.sleep(EVERY_S)

    def _send(self, message: msgspec.Struct) -> None:
        self._process.stdin.write(msgspec.json.encode(message) + b"\n")
        self._process.stdin.flush()


def place_of(options: Any) -> Place | None:
    """Return where *options* want the figures shown, or where a stack that is observed reads them; None for nowhere.

    Raises `ValueError` where the port cannot be one.
    """
    asked = str(options.metrics_port).strip()
    observer = _observer(read_state())
    if not asked and not observer:
        return None
    if asked and not (asked.isdigit() and int(asked) <= _LAST_PORT):
        raise ValueError(f"--metrics-port must be a number up to {_LAST_PORT}, and {asked!r} is none")
    return Place(
        host=os.environ.get(HOST, _LOOPBACK),
        port=int(asked or 0),
        keys_file=os.environ.get("SEAWALL_API_KEYS_FILE", ""),
        targets_directory=observer,
    )


def place_beside(api_url: str) -> Place | None:
    """Return where the stack that serves *api_url* reads figures, on loopback; None where it is not observed."""
    state = read_state()
    observer = _observer(state) if state is not None and state.api_url == api_url else ""
    return Place(host=_LOOPBACK, port=0, targets_directory=observer) if observer else None


def _observer(state: StackState | None) -> str:
    """Return the directory in which the Prometheus of a stack looks for what it should read; empty without one."""
    if state is None or "prometheus" not in state.services:
        return ""
    return str(targets_directory(Path(state.data_dir)))
