"""Links that are late, silent or cut: ``python -m seawall.stack.links_process`` hands TCP connections on to servers.

What clients send reaches the server by a fixed time later, what the server answers reaches them at once, so that each
round trip takes that much longer, and nothing else does: data that follow one another do not wait for one another. A
link that is *silent* hands nothing on and closes nothing, as a network that loses everything; one that is *cut* breaks
its connections and every new one, as a network that refuses.
Delays are kept to a millisecond, and are right on average: libuv's timers count whole ones.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable
from typing import cast

import msgspec
import uvloop

VARIABLE = "SERVICE_LINKS"
_MOST_WAITING_BYTES = 4 << 20


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One port and the server that it leads to."""

    descriptor: int
    """A socket that listens already."""
    host: str
    port: int


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Between whom: a client and all processes of one server."""

    name: str
    ways: list[Way]
    delay_s: float = 0.0


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is started with."""

    control: str
    """Path of the Unix socket on which it takes a `Command` a line."""
    links: list[Link]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """How a link shall be from now on; answered by its `LinkState`."""

    link: str
    delay_s: float = 0.0
    silent: bool = False
    cut: bool = False


class LinkState(msgspec.Struct, kw_only=True):
    """How a link is, and what it did to those who use it, since its process began."""

    delay_s: float = 0.0
    silent: bool = False
    cut: bool = False
    connections: int = 0
    """Open now."""
    broken: int = 0
    """Connections that a cut broke, or refused."""
    withheld: int = 0
    """Times that something, data of a client or a new one, had to wait because the link was silent."""
    delayed_bytes: int = 0
    """What was handed on late."""


class _Line:
    """A link, as its connections see it."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.state = LinkState(delay_s=link.delay_s)
        self.clients: set[_Client] = set()

    def become(self, command: Command) -> LinkState:
        state = self.state
        state.delay_s, state.silent, state.cut = command.delay_s, command.silent, command.cut
        for client in list(self.clients):
            if state.cut:
                client.break_off()
            else:
                client.hear()
        state.connections = len(self.clients)
        return state


class _Client(asyncio.Protocol):
    """What a client sends, on its way to the server."""

    def __init__(self, line: _Line, way: Way) -> None:
        self._line, self._way = line, way
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._server: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._full = self._gone = False
        """The server takes no more for now; the client has gone."""
        self._answers_full = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._line.clients.add(self)
        if self._line.state.cut:
            self.break_off()
            return
        if self._line.state.silent:
            self._line.state.withheld += 1
        # uvloop starts to read after this, whatever is said here
        self._loop.call_soon(self.hear)

    def data_received(self, data: bytes) -> None:
        state = self._line.state
        delay_s = state.delay_s
        if delay_s:
            state.delayed_bytes += len(data)
        if state.silent:
            state.withheld += 1
        self._waiting.append((self._loop.time() + delay_s, data))
        self._bytes += len(data)
        if self._bytes > _MOST_WAITING_BYTES:
            self._listen()
        self._wake()

    def connection_lost(self, _: Exception | None) -> None:
        self._gone = True
        self._line.clients.discard(self)
        if not self._waiting and self._server is not None:
            self._server.close()

    def pause_writing(self) -> None:
        self._answers_full = True
        self._listen()

    def resume_writing(self) -> None:
        self._answers_full = False
        self._listen()

    def hear(self) -> None:
        """Go on as the link is now: hand on what waits, or nothing."""
        if self._server is None and self._opening is None and not (self._gone or self._line.state.silent):
            self._opening = self._loop.create_task(self._open())
        self._wake()
        self._listen()

    def break_off(self) -> None:
        """Break both ends."""
        self._line.state.broken += 1
        self._line.clients.discard(self)
        self._waiting.clear()
        for end in (self.transport, self._server):
            if end is not None:
                end.abort()

    def stop(self, *, full: bool) -> None:
        """Take nothing more from the client as long as the server takes nothing."""
        self._full = full
        self._listen()

    def _listen(self) -> None:
        """Read from both ends, or do not, as the link and both ends are now."""
        if not self._gone:
            _read(self.transport, wanted=not self._full and self._bytes <= _MOST_WAITING_BYTES)
        if self._server is not None:
            _read(self._server, wanted=not (self._line.state.silent or self._answers_full))

    def _wake(self) -> None:
        """See to it that what waits is handed on when its time has come."""
        if self._waiting and self._timer is None and self._server is not None and not self._line.state.silent:
            self._timer = self._loop.call_at(self._waiting[0][0], self._deliver)

    async def _open(self) -> None:
        try:
            server, _ = await self._loop.create_connection(lambda: _Server(self), self._way.host, self._way.port)
        except OSError:
            self.transport.abort()
            return
        self._server = server
        if self._line.state.cut:
            self.break_off()
        elif self._gone and not self._waiting:
            server.close()
        else:
            self._wake()
            self._listen()

    def _deliver(self) -> None:
        """Hand on everything whose time has come."""
        self._timer = None
        if self._line.state.silent or self._server is None:
            return
        now_s = self._loop.time()
        due = []
        while self._waiting and self._waiting[0][0] <= now_s:
            due.append(self._waiting.popleft()[1])
        self._bytes -= sum(map(len, due))
        if due and not self._server.is_closing():
            self._server.write(b"".join(due))
        self._wake()
        if self._gone and not self._waiting:
            self._server.close()
        else:
            self._listen()


class _Server(asyncio.Protocol):
    """What the server answers, on its way back."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        if not self._client.transport.is_closing():
            self._client.transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._client.transport.close()

    def pause_writing(self) -> None:
        self._client.stop(full=True)

    def resume_writing(self) -> None:
        self._client.stop(full=False)


def _read(end: asyncio.Transport, *, wanted: bool) -> None:
    if end.is_closing():
        return
    if wanted and not end.is_reading():
        end.resume_reading()
    elif not wanted and end.is_reading():
        end.pause_reading()


class _Control(asyncio.Protocol):
    """Takes commands, a line each."""

    def __init__(self, lines: dict[str, _Line]) -> None:
        self._lines = lines
        self._pending = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *commands, self._pending = (self._pending + data).split(b"\n")
        for text in commands:
            command = msgspec.json.decode(text, type=Command)
            state = self._lines[command.link].become(command)
            self._transport.write(msgspec.json.encode(state) + b"\n")


async def _serve(wanted: Links) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    lines = {link.name: _Line(link) for link in wanted.links}
    for line in lines.values():
        for way in line.link.ways:
            make = _maker(line, way)
            await loop.create_server(make, sock=socket.socket(fileno=way.descriptor), backlog=1024)
    if os.path.exists(wanted.control):  # noqa: ASYNC240, PTH110 - left by one that died
        os.unlink(wanted.control)  # noqa: PTH108
    await loop.create_unix_server(lambda: _Control(lines), wanted.control)
    await ended.wait()


def _maker(line: _Line, way: Way) -> Callable[[], _Client]:
    """Return what asyncio calls for each connection."""
    return lambda: _Client(line, way)


def main() -> int:
    """Hand on until SIGTERM."""
    uvloop.run(_serve(msgspec.json.decode(os.environ[VARIABLE], type=Links)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
