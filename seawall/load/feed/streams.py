"""A subscription as its client sees it, by WebSocket or as server-sent events, on gevent's sockets.

Both raise `NotSubscribed` where the feed does not let one in, `StreamEnded` when it ends the stream, and `OSError`
where the connection breaks. They take ``ws://`` and ``http://`` for the same.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections import deque
from typing import Protocol
from urllib.parse import urlencode, urlsplit

import httptools
import msgspec
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from seawall.load.feed.frames import FeedFrame, decode

CONNECT_S = 20.0
_BLOCK = 65_536
_HEAD_END, _SWITCHING = b"\r\n\r\n", re.compile(rb"HTTP/1\.1 101\b")
_WHOLE_TEXT, _MASKED, _TWO_BYTES = 0x81, 0x80, 126
_OK = 200
_NORMAL, _ABNORMAL = 1000, 1006
_WORDS = 300
SILENT_BUFFER_BYTES = 4_096
"""The system's buffer of one that never reads: with the default one, megabytes would be taken for read."""


class NotSubscribed(Exception):
    """The feed refused; the message holds its words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words}" if words else str(status))
        self.status = status


class StreamEnded(Exception):
    """The feed ended the stream: a close code, 1000 where it only stopped, and its reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}" if reason else str(code))
        self.code, self.reason = code, reason


class Stream(Protocol):
    """One connection to a feed."""

    def next(self) -> tuple[int, FeedFrame]:
        """Wait for the next frame; return when it arrived, monotonic nanoseconds, and the frame."""
        ...

    def close(self) -> None:
        """Leave."""
        ...


def open_stream(
    protocol: str, url: str, parameters: dict[str, str], headers: dict[str, str], *, silent: bool = False
) -> Stream:
    """Return a subscription, once the feed has let us in; *protocol* is ``websocket`` or ``sse``.

    One that is *silent* is not meant to be read.
    """
    kind = WebSocketStream if protocol == "websocket" else EventStream
    return kind(url, parameters, headers, silent=silent)


def _connected(url: str, *, silent: bool) -> socket.socket:
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"{url[:100]!r} is no address of a feed: wanted is http://host:port")
    connection = socket.socket(socket.AF_INET6 if ":" in parts.hostname else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if silent:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SILENT_BUFFER_BYTES)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(CONNECT_S)
        connection.connect((parts.hostname, parts.port or 80))
    except BaseException:
        connection.close()
        raise
    return connection


def _target(url: str, parameters: dict[str, str]) -> str:
    path = urlsplit(url).path.rstrip("/") + "/v1/feed"
    return f"{path}?{urlencode(parameters)}" if parameters else path


class WebSocketStream:
    """By WebSocket (RFC 6455).

    A frame with a whole text, which is all that feeds send but pings and ends, is taken apart here, for a tenth of the
    processor time that wsproto needs; that does everything else.
    """

    def __init__(self, url: str, parameters: dict[str, str], headers: dict[str, str], *, silent: bool) -> None:
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._frames: deque[tuple[int, FeedFrame]] = deque()
        self._pending = b""
        """A frame that is not whole yet."""
        self._text: list[str] = []
        self._end: StreamEnded | None = None
        self._socket = _connected(url, silent=silent)
        try:
            self._open(url, parameters, headers)
        except BaseException:
            self._socket.close()
            raise
        self._socket.settimeout(None)

    def next(self) -> tuple[int, FeedFrame]:
        """Wait for the next frame."""
        while not self._frames:
            if self._end is not None:
                raise self._end
            self._receive()
        return self._frames.popleft()

    def close(self) -> None:
        """Say that one leaves, and do so."""
        with contextlib.suppress(OSError, ProtocolError):
            self._socket.sendall(self._protocol.send(CloseConnection(code=_NORMAL)))
        self._socket.close()

    def _open(self, url: str, parameters: dict[str, str], headers: dict[str, str]) -> None:
        extra = [(name.encode(), value.encode()) for name, value in headers.items()]
        request = Request(host=urlsplit(url).netloc, target=_target(url, parameters), extra_headers=extra)
        self._socket.sendall(self._protocol.send(request))
        refused, words = 0, b""
        self._take(self._head())
        while True:
            for event in self._protocol.events():
                if isinstance(event, AcceptConnection):
                    self._split(time.monotonic_ns())
                    return
                if isinstance(event, RejectConnection):
                    refused = event.status_code
                    if not event.has_body:
                        raise NotSubscribed(refused, "")
                if isinstance(event, RejectData):
                    words += bytes(event.data)
                    if event.body_finished:
                        raise NotSubscribed(refused, _detail(words))
            self._take(self._socket.recv(_BLOCK))

    def _head(self) -> bytes:
        """Return the head of the answer, with what came of a body; frames that came behind it are pending."""
        head = b""
        while _HEAD_END not in head:
            data = self._socket.recv(_BLOCK)
            if not data or len(head) > _BLOCK:
                raise ConnectionResetError("the feed closed the connection" if not data else "an answer without an end")
            head += data
        if not _SWITCHING.match(head):
            return head
        end = head.index(_HEAD_END) + len(_HEAD_END)
        self._pending = head[end:]
        return head[:end]

    def _receive(self) -> None:
        data = self._socket.recv(_BLOCK)
        arrived_ns = time.monotonic_ns()
        if not data:
            self._take(data)
            self._hear(arrived_ns)
        self._pending = self._pending + data if self._pending else data
        self._split(arrived_ns)

    def _split(self, arrived_ns: int) -> None:
        """Take whole frames from the front of what is pending."""
        data, at = self._pending, 0
        while found := _payload_at(data, at):
            if self._end is not None:
                raise StreamEnded(_ABNORMAL, "the feed went on behind the end")
            begin, end = found
            if data[at] == _WHOLE_TEXT and data[at + 1] < _MASKED and not self._text:
                self._frames.append((arrived_ns, decode(data[begin:end])))
            else:
                self._take(data[at:end])
                self._hear(arrived_ns)
            at = end
        self._pending = data[at:]

    def _take(self, data: bytes) -> None:
        try:
            self._protocol.receive_data(data or None)
        except ProtocolError as error:
            raise StreamEnded(_ABNORMAL, f"no WebSocket: {error}") from None

    def _hear(self, arrived_ns: int) -> None:
        for event in self._protocol.events():
            if isinstance(event, TextMessage):
                self._text.append(event.data)
                if event.message_finished:
                    text = "".join(self._text)
                    self._text.clear()
                    self._frames.append((arrived_ns, decode(text)))
            elif isinstance(event, Ping):
                self._socket.sendall(self._protocol.send(event.response()))
            elif isinstance(event, CloseConnection):
                self._end = StreamEnded(event.code or _ABNORMAL, event.reason or "")
                with contextlib.suppress(OSError, ProtocolError):  # it does not wait for that
                    self._socket.sendall(self._protocol.send(event.response()))


def _payload_at(data: bytes, at: int) -> tuple[int, int] | None:
    """Return where the payload of the frame at *at* begins and where it ends; None where it is not whole yet."""
    if len(data) < at + 2:
        return None
    size, begin = data[at + 1] % _MASKED, at + 2
    if size >= _TWO_BYTES:
        begin += 2 if size == _TWO_BYTES else 8
        size = int.from_bytes(data[at + 2 : begin], "big")
    if data[at + 1] >= _MASKED:  # which no server may do: wsproto says so
        begin += 4
    return (begin, begin + size) if len(data) >= begin + size else None


class EventStream:
    """As server-sent events (HTML Living Standard, section 9.2)."""

    def __init__(self, url: str, parameters: dict[str, str], headers: dict[str, str], *, silent: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self._headed = self._over = False
        self._arrived_ns = 0
        self._frames: deque[tuple[int, FeedFrame]] = deque()
        self._end: StreamEnded | None = None
        self._socket = _connected(url, silent=silent)
        try:
            self._open(url, parameters, headers)
        except BaseException:
            self._socket.close()
            raise
        self._socket.settimeout(None)

    def on_headers_complete(self) -> None:
        """Hear from the parser that the answer's head is there."""
        self._headed = True

    def on_body(self, data: bytes) -> None:
        """Hear a part of the body from the parser."""
        self._body += data

    def on_message_complete(self) -> None:
        """Hear from the parser that the body is over."""
        self._over = True

    def next(self) -> tuple[int, FeedFrame]:
        """Wait for the next frame."""
        while not self._frames:
            if self._end is not None:
                raise self._end
            self._receive()
        return self._frames.popleft()

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def _open(self, url: str, parameters: dict[str, str], headers: dict[str, str]) -> None:
        lines = [
            f"GET {_target(url, parameters)} HTTP/1.1",
            f"Host: {urlsplit(url).netloc}",
            "Accept: text/event-stream",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        while not self._headed:
            self._feed(self._socket.recv(_BLOCK))
        status = self._parser.get_status_code()
        if status != _OK:
            while not self._over:
                self._feed(self._socket.recv(_BLOCK))
            raise NotSubscribed(status, _detail(self._body))
        self._split()

    def _receive(self) -> None:
        data = self._socket.recv(_BLOCK)
        self._arrived_ns = time.monotonic_ns()
        self._feed(data)
        self._split()
        if self._over and self._end is None:
            self._end = StreamEnded(_NORMAL, "")

    def _feed(self, data: bytes) -> None:
        if not data:
            raise ConnectionResetError("the feed closed the connection")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise StreamEnded(_ABNORMAL, f"no HTTP: {error}") from None

    def _split(self) -> None:
        *events, self._body = self._body.split(b"\n\n")
        for event in events:
            fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line)
            if fields.get(b"event") == b"end":
                self._end = StreamEnded(_NORMAL, msgspec.json.decode(fields[b"data"])["reason"])
            elif b"data" in fields:
                frame = decode(fields[b"data"])
                frame.id = fields.get(b"id", b"").decode()
                self._frames.append((self._arrived_ns or time.monotonic_ns(), frame))


def _detail(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["detail"])[:_WORDS]
    except (msgspec.DecodeError, KeyError, TypeError):
        return body[:_WORDS].decode(errors="replace")
