"""SIGTERM while a shape runs without a page: Locust takes it only when the run is over."""

from __future__ import annotations

import signal
from typing import Any

import gevent


class Sigterm:
    """Ends the run as Ctrl-C does, once, from `take` to `leave`; outside of that the signal is Locust's."""

    def __init__(self) -> None:
        self._watcher: Any = None

    def take(self) -> None:
        """Take the signal."""
        if self._watcher is None:
            self._watcher = gevent.signal_handler(signal.SIGTERM, self._interrupt)

    def leave(self) -> None:
        """Leave it to Locust again."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()

    def _interrupt(self) -> None:
        self.leave()
        gevent.kill(gevent.get_hub().parent, KeyboardInterrupt)
