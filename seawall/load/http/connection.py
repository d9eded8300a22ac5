"""One keep-alive HTTP/1.1 connection on gevent's loop.

The loop watches each connection for as long as it is open: an answer is read where the loop finds it and then handed to
the user who waits, and a server that closes an idle connection is noticed before the next request. gevent's own sockets
start and stop a watch around every read, which costs as much as all the rest of a request.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from contextlib import suppress
from ssl import SSLContext, SSLWantReadError, SSLWantWriteError
from typing import Any, NamedTuple

import gevent.socket
from gevent import getcurrent
from gevent.hub import get_hub
from gevent.timeout import Timeout

from seawall.load.http.answer import HEAD_END, AnswerParser, BrokenAnswer, plain_head
from seawall.load.http.patience import patience

_BLOCK_BYTES = 65_536
_READ, _WRITE = 1, 2
_NOT_NOW = (BlockingIOError, SSLWantReadError, SSLWantWriteError)
_LONG_IDLE_NS = 1_500_000_000
_ADVICE = {
    errno.EMFILE: "this process may open no more files: raise the limit (ulimit -n), or use fewer users a process",
    errno.ENFILE: "the system has no files left: raise fs.file-max, or use fewer users",
    errno.EADDRNOTAVAIL: (
        "no local port is left for another connection to this address: widen net.ipv4.ip_local_port_range, "
        "or use fewer users a host"
    ),
}


class Origin(NamedTuple):
    """Where a connection leads."""

    scheme: str
    host: str
    port: int


class Connection:
    """Opened when needed, dropped after anything odd; carries one request at a time."""

    __slots__ = (
        "_connect_s",
        "_context",
        "_cut_short",
        "_hub",
        "_on_open",
        "_origin",
        "_recv",
        "_send",
        "_socket",
        "_waiter",
        "_watched",
        "_watcher",
        "answer_s",
        "answered_ns",
        "sent_ns",
    )

    def __init__(
        self,
        origin: Origin,
        context: SSLContext | None,
        *,
        connect_s: float,
        answer_s: float,
        on_open: Callable[[], None],
    ) -> None:
        """*context* is for TLS; *connect_s* and *answer_s* are the longest waits; *on_open* hears of each opening."""
        self._origin = origin
        self._context = context
        self._connect_s = connect_s
        self.answer_s = answer_s
        self._on_open = on_open
        self._hub = get_hub()
        self._watched = patience().group(answer_s)
        self._socket: Any = None
        self._watcher: Any = None
        self._waiter: Any = None
        self._cut_short = False
        """The last request was not sent to its end."""
        self.sent_ns = 0
        """When the last request was handed to the system, monotonic."""
        self.answered_ns = 0
        """When the last bytes were read, monotonic."""

    def exchange(self, request: bytes, to_head: bool) -> tuple[int, bytes, bytes]:  # noqa: FBT001 - called for each request
        """Send *request* and return status, head and body of its answer; raises `OSError` where no whole one comes.

        *to_head*: the method is HEAD, so no body comes whatever the head says. A request is sent once: where the
        connection breaks before the answer, nobody knows what became of it.
        """
        self.sent_ns = time.monotonic_ns()
        if self._socket is None or (self.sent_ns - self.answered_ns > _LONG_IDLE_NS and not self._is_alive()):
            self.open()
        self._waiter = getcurrent()
        try:
            try:
                sent = self._send(request)
            except _NOT_NOW:
                sent = 0
            data = self._hub.switch() if sent == len(request) else self._send_rest(memoryview(request)[sent:])
            end = data.find(HEAD_END)
            head = data[:end]
            plain = plain_head(head) if end > 0 and not to_head else None
            if plain is None:
                return self._parse(data, to_head=to_head)
            status, length = plain
            body = data[end + 4 :]
            return status, head, body if len(body) == length else self._whole_body(body, length)
        except BaseException:
            self.close()
            raise
        finally:
            self._waiter = None
            if self._cut_short:
                self.close()

    def open(self) -> None:
        """Connect, if need be through TLS; raises `OSError` with words of what to do."""
        self.close()
        origin = self._origin
        try:
            connection = gevent.socket.create_connection((origin.host, origin.port), timeout=self._connect_s)
        except TimeoutError:
            raise TimeoutError(f"no connection within {self._connect_s:g} s") from None
        except OSError as error:
            advice = _ADVICE.get(error.errno or 0)
            if advice is None:
                raise
            raise OSError(error.errno, advice) from None
        connection.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
        if self._context is not None:
            connection = self._secured(connection)
        # gevent's object keeps the file; the system's own one below it is read and written
        plain = self._context is None
        self._socket = connection
        self._send = connection._sock.send if plain else connection.send  # noqa: SLF001
        self._recv = connection._sock.recv if plain else connection.recv  # noqa: SLF001
        self._watcher = self._hub.loop.io(connection.fileno(), _READ)
        self._watcher.start(self._readable)
        self._watched.add(self)
        self.answered_ns = time.monotonic_ns()  # idle since then
        self._on_open()

    def close(self) -> None:
        """Close the connection if it is open."""
        if self._socket is not None:
            self._watched.discard(self)
            self._watcher.stop()
            self._watcher.close()
            self._socket.close()
            self._socket = self._watcher = self._send = self._recv = None
        self._cut_short = False

    def expire(self) -> None:
        """End the wait for an answer that takes too long; called from the loop."""
        if self._waiter is not None:
            self._waiter.throw(TimeoutError(f"no answer within {self.answer_s:g} s"))

    def _secured(self, connection: Any) -> Any:
        assert self._context is not None
        try:
            with Timeout(self._connect_s, TimeoutError(f"no TLS connection within {self._connect_s:g} s")):
                secured = self._context.wrap_socket(connection, server_hostname=self._origin.host)
        except BaseException:
            connection.close()
            raise
        secured.settimeout(0.0)  # from here on it never waits: the loop does
        return secured

    def _readable(self) -> None:
        """Read what came, and hand it to whoever waits; runs in the hub."""
        try:
            data = self._recv(_BLOCK_BYTES)
            if self._context is not None and data:
                data = self._all_records(data)
        except _NOT_NOW:
            return
        except OSError as error:
            data = error
        self.answered_ns = time.monotonic_ns()
        waiter = self._waiter
        if waiter is None:  # closed by the server while idle, or bytes that nobody asked for
            self.close()
        elif type(data) is bytes:
            waiter.switch(data)
        else:
            waiter.throw(data)

    def _all_records(self, data: bytes) -> bytes:
        """Return *data* and what TLS has read with it: the loop sees only what is still in the system."""
        while True:
            try:
                more = self._recv(_BLOCK_BYTES)
            except (*_NOT_NOW, OSError):
                return data
            if not more:
                return data
            data += more

    def _is_alive(self) -> bool:
        """Tell whether an idle connection can take a request; after a pause the loop may not have seen its end yet."""
        try:
            self._recv(1)
        except _NOT_NOW:
            return True
        except OSError:
            return False
        return False  # the end, or bytes that nobody asked for

    def _send_rest(self, rest: memoryview) -> bytes:
        """Send *rest* as fast as the server takes it, and return the first bytes of the answer.

        A server may answer before it has read everything, say that a body is too large; then no more is sent, and the
        connection, which is out of step, ends with the answer.
        """
        self._watcher.stop()
        waiter, self._waiter = self._waiter, None
        either = self._hub.loop.io(self._socket.fileno(), _READ | _WRITE)
        early = b""
        try:
            while rest and not self._cut_short:
                with Timeout(self.answer_s, TimeoutError(f"the request could not be sent within {self.answer_s:g} s")):
                    self._hub.wait(either)
                with suppress(*_NOT_NOW):
                    early += self._recv(_BLOCK_BYTES)
                    self._cut_short = not early.startswith(b"HTTP/1.1 1")  # a final answer, or the end
                with suppress(*_NOT_NOW):
                    rest = rest[self._send(rest) :]
        finally:
            either.close()
            self._waiter = waiter
        self._watcher.start(self._readable)
        self.answered_ns = time.monotonic_ns()
        return early or self._hub.switch()

    def _whole_body(self, begun: bytes, length: int) -> bytes:
        parts, missing = [begun], length - len(begun)
        while missing > 0:
            data = self._hub.switch()
            if not data:
                raise BrokenAnswer("the server closed the connection before the answer's end")
            parts.append(data)
            missing -= len(data)
        body = b"".join(parts)
        if missing < 0:  # more than was announced
            self.close()
            return body[:length]
        return body

    def _parse(self, data: bytes, *, to_head: bool) -> tuple[int, bytes, bytes]:
        parser = AnswerParser(to_head=to_head)
        parser.feed(data)
        while not parser.done:
            parser.feed(self._hub.switch())
        if not parser.keeps:
            self.close()
        return parser.status, parser.head, parser.body
