"""The hot path with a count of each of its ways: rate, errors and durations of requests.

It stands there only where somebody asked for metrics. Reads and what takes the long way have a count around them; a
direct write is counted by what holds it until its answer.
"""

from __future__ import annotations

import time
from bisect import bisect_left

from starlette.types import Message, Receive, Scope, Send

from api.answers import Answer
from api.bounded_protocol import Exchange
from api.hot_path import HotPath
from api.metrics.requests import FIRST_ERROR, EndpointCounts, RequestCounts
from api.routes.reads import DirectLookup
from contract.histogram import TIME_BOUNDS_NS

_now_ns = time.perf_counter_ns


class CountedPath:
    """The hot path with a count of each of its ways."""

    def __init__(self, hot_path: HotPath, counts: RequestCounts) -> None:
        self._hot_path = hot_path
        self._counts = counts
        self.direct = hot_path.direct
        for url, serve in self.direct.items():
            serve.endpoint = counts.endpoint(url.decode())
        self.reads = {
            url: _CountedRead(read, counts, counts.reads_below(url.decode())) for url, read in hot_path.reads.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request that no short cut could."""
        if scope["type"] != "http":
            await self._hot_path(scope, receive, send)
            return
        endpoint = self._counts.endpoint(scope["path"])
        endpoint.begun += 1
        begun_ns = _now_ns()
        status = 0

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._hot_path(scope, receive, counted)
        finally:
            if status:
                self._counts.answered(endpoint, status, begun_ns)
            else:
                endpoint.by_class[0] += 1


def counted_exchange(counts: RequestCounts) -> type[Exchange]:
    """Return what holds a write until it is answered, and then counts that.

    It stands in place of what does not count, and around nothing: a wrapper of each call costs a tenth of the rate.
    """

    class Counted(Exchange):
        __slots__ = ()

        def answer(self, answer: Answer) -> None:
            """Count the first *answer*, and write it, as `Exchange.answer` does, without the call."""
            if self.response_complete:
                return
            took_ns = _now_ns() - self.begun_ns
            endpoint = self.serve.endpoint
            endpoint.by_class[answer.status // 100] += 1
            # as `Histogram.observe`, without the call
            durations = endpoint.durations
            durations.buckets[bisect_left(TIME_BOUNDS_NS, took_ns)] += 1
            durations.sum += took_ns
            if answer.status >= FIRST_ERROR:
                counts.note_problem(answer.status)
            self.response_complete = True
            self.body = b""
            protocol = self._protocol
            if not protocol.transport.is_closing():
                protocol.write_answer(answer, keep_alive=self.keep_alive)

    return Counted


class _CountedRead:
    """A read that is answered from memory."""

    __slots__ = ("_counts", "_endpoint", "_read")

    def __init__(self, read: DirectLookup, counts: RequestCounts, endpoint: EndpointCounts) -> None:
        self._read, self._counts, self._endpoint = read, counts, endpoint

    def __call__(self, name: bytes) -> Answer | None:
        """Answer it, if that can be, and count it."""
        begun_ns = _now_ns()
        found = self._read(name)
        if found is not None:
            self._endpoint.begun += 1
            self._counts.answered(self._endpoint, found.status, begun_ns)
        return found
