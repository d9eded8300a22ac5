"""Takes connections that wait to be accepted while turns of the event loop are long.

libuv accepts one a turn (https://github.com/libuv/libuv/pull/3696). That is plenty while turns are short; in overload
a turn answers dozens of requests, and of some thousand clients that come at once the last would wait for many seconds,
longer than anybody who is let in.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

import uvicorn

_TICK_S = 0.01
_AT_ONCE, _HANDSHAKES_AT_ONCE = 64, 4
"""A handshake takes as long as a dozen requests, and those who are here already should not wait for many of them."""


@dataclass(frozen=True)
class Door:
    """Where somebody listens, and the certificate that is shown there, if any."""

    descriptor: int
    context: SSLContext | None


class Newcomers:
    """Accepts what waits on listening sockets, a few dozen at a time, beside the loop's own servers."""

    def __init__(self, protocol: Callable[[], asyncio.Protocol], handshake_s: float) -> None:
        """*protocol* serves a connection; a TLS handshake may take *handshake_s*."""
        self._protocol = protocol
        self._handshake_s = handshake_s
        self._doors: list[tuple[socket.socket, SSLContext | None]] = []
        self._tick: asyncio.TimerHandle | None = None
        self._arriving: set[asyncio.Task[Any]] = set()

    def start(self, doors: Iterable[Door]) -> None:
        """Begin to accept there as well, by copies of the descriptors, which are kept until `stop`."""
        for door in doors:
            listening = socket.socket(fileno=os.dup(door.descriptor))
            listening.setblocking(False)  # noqa: FBT003 - the only way to say it
            self._doors.append((listening, door.context))
        if self._tick is None:
            self._look()

    def stop(self) -> None:
        """Accept no more."""
        if self._tick is not None:
            self._tick.cancel()
        for listening, _ in self._doors:
            listening.close()
        self._doors = []

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._tick = loop.call_later(_TICK_S, self._look)
        for listening, context in self._doors:
            for _ in range(_AT_ONCE if context is None else _HANDSHAKES_AT_ONCE):
                try:
                    connection, _address = listening.accept()
                except OSError:  # nobody waits; or there are no descriptors left, which the loop's server says
                    break
                arriving = loop.create_task(self._welcome(connection, context))
                self._arriving.add(arriving)
                arriving.add_done_callback(self._arriving.discard)

    async def _welcome(self, connection: socket.socket, context: SSLContext | None) -> None:
        handshake_s = None if context is None else self._handshake_s
        with contextlib.suppress(
            OSError
        ):  # it has gone, or speaks no TLS, of which the loop's server says nothing either
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, connection, ssl=context, ssl_handshake_timeout=handshake_s
            )


class WelcomingServer(uvicorn.Server):
    """uvicorn's server, which lets a crowd in soon however busy it is."""

    def __init__(self, config: uvicorn.Config, handshake_s: float = 10.0) -> None:
        super().__init__(config)
        self.newcomers = Newcomers(self.protocol, handshake_s)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        if self.started:
            self.newcomers.start(doors_of(self.servers, self.config.ssl))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port, and end."""
        self.newcomers.stop()
        await super().shutdown(sockets)

    def protocol(self) -> asyncio.Protocol:
        """Return what serves one connection."""
        make: Any = self.config.http_protocol_class
        made: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state, _loop=None
        )
        return made


def doors_of(servers: Iterable[asyncio.Server], context: SSLContext | None) -> list[Door]:
    """Return where *servers* listen."""
    return [Door(one.fileno(), context) for server in servers for one in server.sockets]
