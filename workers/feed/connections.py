"""uvicorn's connections as the feed needs them: frames go straight to them, they can be cut, and have to begin soon.

A frame is the same bytes for all that get it. By way of the application each subscriber would take a task's turn and a
message that is put together anew, which costs more than ten times what the writing does. And a subscriber that reads
nothing leaves its connection full: neither a close frame nor an end passes through it, so what is left is to cut it.
uvicorn hands no connection to the application, but copies a state into the scope of each request: there it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from starlette.requests import HTTPConnection
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

from workers.feed.frames import Frame

_HEAD_S = 10.0
_HEAD_BYTES = 65_536
_NAME = "connection"


class Connection(Protocol):
    """One to a client."""

    transport: asyncio.Transport
    on_room: Callable[[], None]
    """Is called when there is room again."""

    def push(self, frame: Frame) -> bool:
        """Write a frame; False where there is no room, or the connection ends. The answer has begun before."""
        ...


def connection_of(client: HTTPConnection) -> Connection:
    """Return a client's connection, which may have ended."""
    found: Connection = client.scope["state"][_NAME]
    return found


def nothing() -> None:
    """Do nothing."""


class FeedHttp(HttpToolsProtocol):
    """What serves a new connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.app_state = {**self.app_state, _NAME: self}
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self.on_room: Callable[[], None] = nothing

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
        self._timer = self.loop.call_later(_HEAD_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self.app_state = {}
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

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to another protocol."""
        super().handle_websocket_upgrade()
        self.app_state = {}

    def on_message_complete(self) -> None:
        """Begin to count anew: another request may follow."""
        self._head_bytes = 0
        super().on_message_complete()

    def _give_up(self) -> None:
        if self.cycle is None and self.transport.get_protocol() is self:
            self.transport.abort()


class FeedWebSocket(WSProtocol):
    """What serves one that became a WebSocket."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.app_state = {**self.app_state, _NAME: self}
        self.on_room: Callable[[], None] = nothing

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

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self.app_state = {}
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        """Cut a connection over which no ping is answered: a word of farewell would not pass either."""
        super().keepalive_timeout()
        self.loop.call_later(1.0, self.transport.abort)
