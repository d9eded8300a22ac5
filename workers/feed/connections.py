"""uvicorn's connections as the feed needs them: they can be cut, and have to say something soon.

A subscriber that reads nothing leaves its connection full: neither a close frame nor an end passes through it, so what
is left is to cut it. uvicorn hands no connection to the application, but its client's address, by which it is found.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

_HEAD_S = 10.0
_HEAD_BYTES = 65_536

Address = tuple[str, int] | None


class Connections:
    """Those that are open, by their client's address; the protocols that are made here keep it up to date."""

    def __init__(self) -> None:
        self._open: dict[Address, asyncio.Transport] = {}

    def transport_of(self, client: Address) -> asyncio.Transport | None:
        """Return a client's connection; None where there is none any more."""
        return self._open.get(client)

    def http(self, *arguments: Any, **named: Any) -> asyncio.Protocol:
        """Return what serves a new connection."""
        return _Http(self._open, *arguments, **named)

    def websocket(self, *arguments: Any, **named: Any) -> asyncio.Protocol:
        """Return what serves one that became a WebSocket."""
        return _WebSocket(self._open, *arguments, **named)


class _Http(HttpToolsProtocol):
    def __init__(self, connections: dict[Address, asyncio.Transport], *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._connections = connections
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, but not for long."""
        super().connection_made(transport)
        self._connections[self.client] = transport
        self._timer = self.loop.call_later(_HEAD_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._connections.pop(self.client, None)
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
    def __init__(self, connections: dict[Address, asyncio.Transport], *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._connections = connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection over."""
        super().connection_made(transport)
        self._connections[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._connections.pop(self.client, None)
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        """Cut a connection over which no ping is answered: a word of farewell would not pass either."""
        super().keepalive_timeout()
        self.loop.call_later(1.0, self.transport.abort)
