"""`GET /metrics` on a port of its own, in the API's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from typing import Protocol

from prometheus_client import GCCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from api.guard import Guard
from contract.api_keys import Scope

log = logging.getLogger(__name__)

_PATIENCE_S = 5.0
_UNKNOWN = 401
_LARGEST_HEAD = 16 * 1024


class Metrics(Protocol):
    """Shows others what the process counts."""

    async def start(self) -> None:
        """Begin to show it."""
        ...

    async def stop(self) -> None:
        """Show it no more."""
        ...


class NoMetrics:
    """Nobody asked for metrics."""

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""


class MetricsListener:
    """Serves *collectors*, and what Prometheus expects of every Python process: memory, processor time, collections.

    A scrape takes a few milliseconds of the loop's time, so it should come every few seconds and no more often.
    """

    def __init__(self, host: str, port: int, collectors: Iterable[Collector], guard: Guard) -> None:
        """*guard* says who may see them, by keys that allow administration."""
        self._host, self._port, self._guard = host, port, guard
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        for collector in collectors:
            self._registry.register(collector)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; raises `OSError` where the port is taken."""
        self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=_LARGEST_HEAD)
        host, port = self._server.sockets[0].getsockname()[:2]
        log.info("metrics: http://%s:%d/metrics", host, port)

    async def stop(self) -> None:
        """Close the port."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close the connection."""
        with contextlib.suppress(
            OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            async with asyncio.timeout(_PATIENCE_S):
                head = await reader.readuntil(b"\r\n\r\n")
                status, body = self._answer(head)
                writer.write(
                    b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                    % (status, CONTENT_TYPE_PLAIN_0_0_4.encode(), len(body))
                )
                writer.write(b"" if head.startswith(b"HEAD ") else body)
                writer.close()
                await writer.wait_closed()
                return
        writer.transport.abort()  # one that did not ask in time, or does not read

    def _answer(self, head: bytes) -> tuple[bytes, bytes]:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        problem = self._guard.refusal(_authorization(head), Scope.ADMIN)
        if problem is not None:
            what = b"401 Unauthorized\r\nWWW-Authenticate: Bearer" if problem.status == _UNKNOWN else b"403 Forbidden"
            return what, problem.detail.encode() + b"\n"
        if path != b"/metrics":
            return b"404 Not Found", b"see /metrics\n"
        if method not in (b"GET", b"HEAD"):
            return b"405 Method Not Allowed\r\nAllow: GET, HEAD", b"only GET and HEAD\n"
        return b"200 OK", generate_latest(self._registry)


def _authorization(head: bytes) -> bytes | None:
    """Return the one such header of a request; None where there is none, or more than one."""
    found = [
        value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        if name.strip().lower() == b"authorization"
    ]
    return found[0] if len(found) == 1 else None
