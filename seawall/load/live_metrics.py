"""Has the figures of a Locust process shown to Prometheus, by another process: a scrape takes none of the load's time.

They are handed over every other second, which takes a millisecond or so. Only a master, or a process that is alone, has
any, and the load process of an experiment; workers' figures are in those of their master.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any, Protocol

import gevent
from gevent import subprocess
from locust.env import Environment

from seawall.load.live_figures import Beside, live_figures
from seawall.load.live_wire import Begun, LiveFigures, Place
from seawall.load.metrics_beside import EVERY_S, LOOPBACK, MetricsBeside, observer_of, place_beside
from seawall.load.plain_run import Ending
from seawall.load.run_record import RunRecord
from seawall.stack.state import read_state

PORT, HOST = "SEAWALL_LOAD_METRICS_PORT", "SEAWALL_LOAD_METRICS_HOST"
_BEGUN_WITHIN_S = 20.0
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
        self._beside = MetricsBeside(place, subprocess.Popen)
        with gevent.Timeout(_BEGUN_WITHIN_S, exception=False):
            begun: Begun = self._beside.begun()
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
        self._beside.end()

    def _tell(self) -> None:
        while True:
            try:
                self._beside.tell(self._figures())
            except (OSError, ValueError):
                self._beside.has_ended()
                return
            gevent.sleep(EVERY_S)


def place_of(options: Any) -> Place | None:
    """Return where *options* want the figures shown, or where a stack that is observed reads them; None for nowhere.

    Raises `ValueError` where the port cannot be one.
    """
    asked = str(options.metrics_port).strip()
    observer = observer_of(read_state())
    if not asked and not observer:
        return None
    if asked and not (asked.isdigit() and int(asked) <= _LAST_PORT):
        raise ValueError(f"--metrics-port must be a number up to {_LAST_PORT}, and {asked!r} is none")
    return Place(
        host=os.environ.get(HOST, LOOPBACK),
        port=int(asked or 0),
        keys_file=os.environ.get("SEAWALL_API_KEYS_FILE", ""),
        targets_directory=observer,
    )


def shown_to_stack(api_url: str, figures: Callable[[], LiveFigures]) -> LiveMetrics | None:
    """Begin to show *figures* to the Prometheus of the stack that serves *api_url*; None where it has none."""
    place = place_beside(api_url)
    try:
        return None if place is None else LiveMetrics(figures, place)
    except ValueError as error:
        logger.warning("%s; the load is made without them", error)
        return None
