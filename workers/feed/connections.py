"""uvicorn's connections as the feed needs them: frames go straight to them, they can be cut, and have to begin soon.

A frame is the same bytes for all that get it. By way of the application each subscriber would take a task's turn and a
message that is put together anew, which costs more than ten times what the writing does. And a subscriber that reads
nothing leaves its connection full: neither a close frame nor an end passes through it, so what is left is to cut it.
uvicorn hands no connection to the application, but the addresses of both its ends, by which it is found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any, Protocol

from starlette.requests import HTTPConnection
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

from workers.feed.frames import Frame

_HEAD_S = 10.0
_HEAD_BYTES = 65_536

Ends = tuple[Any, Any]
"""Addresses of server and client, which tell connections from one another."""


class Connection(Protocol):
    """One that is open."""

    transport: asyncio.Transport
    on_room: Callable[[], None]
    """Is called when there is room again."""

    def push(self, frame: Frame) -> bool:
        """Write a frame; False where there is no room, or the connection ends. The answer has begun before."""
        ...


class Connections:
    """Those that are open; the protocols that are made here keep it up to date."""

    def __init__(self) -> None:
        self._open: dict[Ends, Connection] = {}

    def of(self, client: HTTPConnection) -> Connection | None:
        """Return a client's connection; None where there is none any more."""
        return self._open.get((client.scope.get("server"), client.scope.get("client")))

    def http(self, *arguments: Any, **named: Any) -> asyncio.Protocol:
        """Return what serves a new connection."""
        return _Http(self._open, *arguments, **named)

    def websocket(self, *arguments: Any, **named: Any) -> asyncio.Protocol:
        """Return what serves one that became a WebSocket."""
        return _WebSocket(self._open, *arguments, **named)


def _nothing() -> None:
    """Do nothing."""


class _Http(HttpToolsProtocol):
    def __init__(self, connections: MutableMapping[Ends, Connection], *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._connections = connections
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self.on_room: Callable[[], None] = _nothing

    def push(self, frame: Frame) -> bool:
        """Write a frame as a chunk of the body."""
        if self.flow.write_paused or self.transport.is_closing():
            return False
        self.transport.write(frame.chunk)
        return True

    def resume_writing(self) -> None:
        """Go on with what waits."""
        super().resume_writing()
        self.on_room()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, but not for long."""
        super().connection_made(transport)
        self._connections[self.server, self.client] = self
        self._timer = self.loop.call_later(_HEAD_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._connections.pop((self.server, self.client), None)
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a head of bounded length; bodies are none of ours, and count as one."""
        self._head_bytes += len(data)
        if self._head_bytes > _HEAD_BYTES:
            self.transport.abort()
            return
        super().data_received(data)

    def on_message_complete(self) -> None:
        """Begin to count anew: another request may follow."""
        self._head_bytes = 0
        super().on_message_complete()

    def _give_up(self) -> None:
        if self.cycle is None and self.transport.get_protocol() is self:
            self.transport.abort()


class _WebSocket(WSProtocol):
    def __init__(self, connections: MutableMapping[Ends, Connection], *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._connections = connections
        self.on_room: Callable[[], None] = _nothing

    def push(self, frame: Frame) -> bool:
        """Write a frame as a message."""
        if self.close_sent or not self.writable.is_set() or self.transport.is_closing():
            return False
        self.transport.write(frame.message)
        return True

    def resume_writing(self) -> None:
        """Go on with what waits."""
        super().resume_writing()
        self.on_room()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection over."""
        super().connection_made(transport)
        self._connections[self.server, self.client] = self

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._connections.pop((self.server, self.client), None)
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        """Cut a connection over which no ping is answered: a word of farewell would not pass either."""
        super().keepalive_timeout()
        self.loop.call_later(1.0, self.transport.abort)
