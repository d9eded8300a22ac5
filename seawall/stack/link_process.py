"""A link that is late: ``python -m seawall.stack.link_process`` hands TCP connections on to a server, after a while.

What clients send reaches the server by a fixed time later, what the server answers reaches them at once, so that each
round trip takes that much longer, and nothing else does: data that follow one another do not wait for one another.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections import deque
from typing import cast

import msgspec
import uvloop

VARIABLE = "DATABASE_LINK"
_MOST_WAITING_BYTES = 4 << 20


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Between whom, and how late."""

    descriptor: int
    """A socket that listens already."""
    host: str
    port: int
    delay_s: float


class _Client(asyncio.Protocol):
    """What a client sends, on its way to the server."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._server: asyncio.Transport | None = None
        self._opening: asyncio.Task[None]
        self._gone = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.pause_reading()
        self._opening = self._loop.create_task(self._open())

    def data_received(self, data: bytes) -> None:
        self._waiting.append((self._loop.time() + self._link.delay_s, data))
        self._bytes += len(data)
        if self._bytes > _MOST_WAITING_BYTES:
            self.transport.pause_reading()
        if self._timer is None:
            self._timer = self._loop.call_at(self._waiting[0][0], self._deliver)

    def connection_lost(self, _: Exception | None) -> None:
        self._gone = True
        if not self._waiting and self._server is not None:
            self._server.close()

    def pause_writing(self) -> None:
        if self._server is not None:
            self._server.pause_reading()

    def resume_writing(self) -> None:
        if self._server is not None:
            self._server.resume_reading()

    async def _open(self) -> None:
        try:
            server, _ = await self._loop.create_connection(lambda: _Server(self), self._link.host, self._link.port)
        except OSError:
            self.transport.abort()
            return
        self._server = server
        if self._gone:
            server.close()
        else:
            self.transport.resume_reading()

    def _deliver(self) -> None:
        """Hand on everything whose time has come."""
        assert self._server is not None
        now_s, was_full = self._loop.time(), self._bytes > _MOST_WAITING_BYTES
        due = []
        while self._waiting and self._waiting[0][0] <= now_s:
            due.append(self._waiting.popleft()[1])
        self._bytes -= sum(map(len, due))
        if due and not self._server.is_closing():
            self._server.write(b"".join(due))
        self._timer = self._loop.call_at(self._waiting[0][0], self._deliver) if self._waiting else None
        if self._gone and not self._waiting:
            self._server.close()
        elif was_full and self._bytes <= _MOST_WAITING_BYTES:
            self.resume()

    def pause(self) -> None:
        """Take nothing more from the client: the server does not."""
        if not self._gone:
            self.transport.pause_reading()

    def resume(self) -> None:
        """Take from the client again."""
        if not self._gone:
            self.transport.resume_reading()


class _Server(asyncio.Protocol):
    """What the server answers, on its way back."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        self._client.transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._client.transport.close()

    def pause_writing(self) -> None:
        self._client.pause()

    def resume_writing(self) -> None:
        self._client.resume()


async def _serve(link: Link) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await loop.create_server(lambda: _Client(link), sock=socket.socket(fileno=link.descriptor), backlog=1024)
    await ended.wait()


def main() -> int:
    """Hand on until SIGTERM."""
    uvloop.run(_serve(msgspec.json.decode(os.environ[VARIABLE], type=Link)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
