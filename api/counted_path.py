"""The hot path with a count around each of its ways: rate, errors and durations of requests.

It stands there only where somebody asked for metrics, so that without them a request costs what it always did.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.types import Message, Receive, Scope, Send

from api.answers import Answer
from api.hot_path import HotPath
from api.ingest import DirectIngest
from api.metrics.requests import EndpointCounts, RequestCounts
from api.routes.reads import DirectLookup

_now_ns = time.perf_counter_ns


class CountedPath:
    """The hot path with a count around each of its ways."""

    def __init__(self, hot_path: HotPath, counts: RequestCounts) -> None:
        self._hot_path = hot_path
        self._counts = counts
        self.direct = {
            url: _CountedWrite(serve, counts, counts.endpoint(url.decode())) for url, serve in hot_path.direct.items()
        }
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


class _CountedWrite:
    """A write that calls back."""

    __slots__ = ("_counts", "_endpoint", "_serve")

    def __init__(self, serve: DirectIngest, counts: RequestCounts, endpoint: EndpointCounts) -> None:
        self._serve, self._counts, self._endpoint = serve, counts, endpoint

    def refusal(self) -> Answer | None:
        """Refuse it, if it is one too many, and count that."""
        found = self._serve.refusal()
        if found is not None:
            self._counts.refused(self._endpoint, found.status)
        return found

    def __call__(self, body: bytes, answer: Callable[[Answer], None]) -> bool:
        """Begin to serve it, if it can be, and count its answer later."""
        counts, endpoint, begun_ns = self._counts, self._endpoint, _now_ns()

        def counted(found: Answer) -> None:
            counts.answered(endpoint, found.status, begun_ns)
            answer(found)

        if self._serve(body, counted):
            endpoint.begun += 1
            return True
        return False


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
