"""Hands requests to Locust's statistics: many at once where only these listen, one by one where somebody else does.

Locust adds each request to two entries, which costs as much as sending it. Its statistics can also be merged, as a
master does with its workers'; so requests are kept for a moment, made into one entry, and merged.
"""

from __future__ import annotations

import time
from array import array
from typing import Any

import numpy as np
from gevent.hub import get_hub
from locust.env import Environment
from locust.event import EventHook
from locust.stats import StatsEntry

from seawall.load.http.response import Response
from seawall.load.percentiles import buckets

FLUSH_S = 0.25
"""So long Locust's figures may be behind while a test runs; at its end they are not."""
_LOCUSTS_OWN = "Runner.__init__.<locals>.on_request"


class _Kept:
    """Successful requests of one endpoint."""

    __slots__ = ("content_bytes", "in_total", "response_ms")

    def __init__(self, *, in_total: bool = True) -> None:
        self.response_ms = array("d")
        self.content_bytes = 0
        self.in_total = in_total


class Counts:
    """Of the requests of one environment in this process."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._hook = environment.events.request
        self._listeners: list[Any] = self._hook._handlers  # noqa: SLF001 - Locust does not say who listens
        self._locusts: Any = None
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._timer: Any = None

    def report(self, response: Response, *, is_plain: bool) -> None:
        """Count one request; *is_plain* is whether *response* `is_plain_success`."""
        if is_plain and self.nobody_else_listens():
            kept = self._kept.get((response.name, response.method))
            if kept is None:
                kept = self._keep_more(response.name, response.method)
            kept.response_ms.append((response.answered_ns - (response.intended_ns or response.sent_ns)) / 1e6)
            kept.content_bytes += len(response.content or b"")
        else:
            self._hook.fire(**response.event())

    def nobody_else_listens(self) -> bool:
        """Tell whether Locust's own statistics are all that hear of requests, so that many can be told at once."""
        return len(self._listeners) == 1 and (self._listeners[0] is self._locusts or self._is_locusts())

    def keep(self, method: str, name: str, response_ms: float, content_bytes: int, *, in_total: bool = True) -> None:
        """Count one success, of which nobody else needs to hear; without *in_total* in its own row alone."""
        kept = self._kept.get((name, method))
        if kept is None:
            kept = self._keep_more(name, method, in_total=in_total)
        kept.response_ms.append(response_ms)
        kept.content_bytes += content_bytes

    def fire(self, **event: Any) -> None:
        """Fire Locust's request event for one request."""
        self._hook.fire(**event)

    def tell_others(self, **event: Any) -> None:
        """Fire Locust's request event for everybody but Locust's own statistics."""
        others = EventHook()
        others._handlers = [one for one in self._listeners if getattr(one, "__qualname__", "") != _LOCUSTS_OWN]  # noqa: SLF001
        others.fire(**event)

    def flush(self) -> None:
        """Bring Locust's statistics up to date."""
        kept, self._kept = self._kept, {}
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        stats = self._environment.stats
        for (name, method), requests in kept.items():
            own = stats.entries[name, method]
            for entry in (stats.total, own) if requests.in_total else (own,):
                entry.extend(_entry_of(requests, entry))

    def _is_locusts(self) -> bool:
        """Tell whether the only listener is Locust's own, and remember it."""
        listener = self._listeners[0]
        if getattr(listener, "__qualname__", "") != _LOCUSTS_OWN:
            return False
        self._locusts = listener
        return True

    def _keep_more(self, name: str, method: str, *, in_total: bool = True) -> _Kept:
        if self._timer is None:
            self._timer = get_hub().loop.timer(FLUSH_S, ref=False)
            self._timer.start(self.flush)
        kept = self._kept[name, method] = _Kept(in_total=in_total)
        return kept


def _entry_of(requests: _Kept, whole: StatsEntry) -> StatsEntry:
    """Return *requests* as an entry that can be merged into *whole*."""
    entry = StatsEntry(whole.stats, whole.name, whole.method, use_response_times_cache=False)
    response_ms = np.frombuffer(requests.response_ms, np.float64)
    keys, counts = np.unique(buckets(response_ms), return_counts=True)
    now_s = time.time()
    entry.start_time = whole.start_time
    entry.last_request_timestamp = now_s
    entry.num_requests = len(response_ms)
    entry.num_reqs_per_sec[int(now_s)] = len(response_ms)
    # milliseconds with their fractions, as in Locust's own sums, whatever its annotations say
    entry.total_response_time = response_ms.sum().item()
    entry.min_response_time = response_ms.min().item()
    entry.max_response_time = response_ms.max().item()
    entry.response_times.update(zip(keys.tolist(), counts.tolist(), strict=True))
    entry.total_content_length = requests.content_bytes
    return entry
