"""A circuit breaker: after failures in a row nobody calls for a while, and then one alone tries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Closed, open, or half open, for callers in any number of threads."""

    def __init__(self, failures: int, open_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._open_s, self._clock = failures, open_s, clock
        self._lock = threading.Lock()
        self._failures = 0
        self._until_s: float | None = None
        self._trying = False
        self.opened = 0
        """How often it has opened."""

    def wait_s(self) -> float:
        """Return 0 where the caller may call now, and has to tell how that went; else look again after so long."""
        with self._lock:
            if self._until_s is None:
                return 0.0
            left_s = self._until_s - self._clock()
            if left_s > 0:
                return left_s
            if self._trying:
                return self._open_s / 4
            self._trying = True
            return 0.0

    def succeeded(self) -> None:
        """Hear that the model answered, whatever it said."""
        with self._lock:
            self._failures, self._until_s, self._trying = 0, None, False

    def failed(self) -> None:
        """Hear that it did not."""
        with self._lock:
            self._failures += 1
            self._trying = False
            if self._failures >= self._most:
                self.opened += self._until_s is None
                self._until_s = self._clock() + self._open_s
