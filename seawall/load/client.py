"""A leaner client for Locust's `FastHttpUser`: one keep-alive connection, one write, one read for the plain case.

Everything around the exchange (names, contexts, ``catch_response``) stays Locust's; what is not the plain case
(https, redirects, streams, query parameters) is left to Locust's own client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import gevent.socket
from geventhttpclient.header import Headers
from geventhttpclient.response import HTTPSocketResponse
from locust.contrib.fasthttp import (
    FAILURE_EXCEPTIONS,
    ErrorResponse,
    FastHttpSession,
    FastResponse,
    LocustBadStatusCode,
)

from seawall.load.sockets import is_alive

_BLOCK_BYTES = 65_536
_HEAD_END = b"\r\n\r\n"


class PlainAnswer:
    """A whole answer, in the shape that `FastResponse` expects of its HTTP library."""

    def __init__(self, status: int, head: bytes, body: bytes) -> None:
        self._status = status
        self._body = body
        fields = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
        self._headers_index = Headers([(name, value.strip()) for name, _, value in fields])
        self.length = len(body)

    def get_code(self) -> int:
        """Return the status."""
        return self._status

    def read(self, _: int | None = None) -> bytes:
        """Return the whole body."""
        return self._body

    def release(self) -> None:
        """Do nothing: the body has been read."""

    def should_close(self) -> bool:
        """Tell that the connection can be kept."""
        return False


class Connection:
    """One keep-alive HTTP/1.1 connection; opened when needed, dropped after anything odd."""

    def __init__(self, host: str, port: int, connect_s: float, answer_s: float, on_open: Callable[[], None]) -> None:
        self._address = (host, port)
        self._connect_s = connect_s
        self._answer_s = answer_s
        self._on_open = on_open
        self._socket: gevent.socket.socket | None = None

    def exchange(self, method: str, request: bytes) -> FastResponse:
        """Send *request* and return its answer, with the body read.

        A request is sent once: where the connection breaks before the answer, nobody knows what became of it.
        """
        connection = self._ready()
        try:
            connection.sendall(request)
            data = connection.recv(_BLOCK_BYTES)
            answer: Any = _plain(method, data) or HTTPSocketResponse(connection, method=method, pre_buffered=data)
            response = FastResponse(answer)
            _ = response.content  # reads it
        except BaseException:
            self.close()
            raise
        if answer.should_close():
            self.close()
        return response

    def close(self) -> None:
        """Close the connection if it is open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ready(self) -> gevent.socket.socket:
        if self._socket is not None and not is_alive(self._socket):
            self.close()
        if self._socket is None:
            self._socket = gevent.socket.create_connection(self._address, timeout=self._connect_s)
            self._socket.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            self._socket.settimeout(self._answer_s)
            self._on_open()
        return self._socket


def _plain(method: str, data: bytes) -> PlainAnswer | None:
    """Return the answer if *data* is one whole answer of known length that keeps the connection, else None."""
    end = data.find(_HEAD_END)
    if end < 0 or not data.startswith(b"HTTP/1.1 ") or method == "HEAD" or data[9:10] not in b"245":
        return None
    head = data[:end]
    lower = head.lower()
    place = lower.find(b"\r\ncontent-length:")
    if place < 0 or b"\r\ntransfer-encoding:" in lower or b"\r\nconnection:" in lower or b"content-encoding:" in lower:
        return None
    stop = lower.find(b"\r\n", place + 2)
    length = lower[place + 17 : stop if stop >= 0 else end].strip()
    status = data[9:12]
    if not (length.isdigit() and status.isdigit()) or len(data) != end + 4 + int(length) or status in (b"204", b"304"):
        return None
    return PlainAnswer(int(status), head, data[end + 4 :])


class LeanSession(FastHttpSession):
    """Locust's session for `FastHttpUser`, with a connection of its own for plain requests to the base address."""

    def __init__(
        self,
        *,
        base_url: str | None,
        connection_timeout: float,
        network_timeout: float,
        on_open: Callable[[], None] = lambda: None,
        **rest: Any,
    ) -> None:
        super().__init__(
            base_url=base_url, connection_timeout=connection_timeout, network_timeout=network_timeout, **rest
        )
        self.connection: Connection | None = None
        parts = urlsplit(self.base_url or "")
        if parts.scheme == "http" and parts.hostname:
            self.connection = Connection(parts.hostname, parts.port or 80, connection_timeout, network_timeout, on_open)
        self._prefix = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.netloc
        self._heads: dict[tuple[str, str, tuple[tuple[str, str], ...]], bytes] = {}

    def _send_request_safe_mode(self, method: str, url: str, **named: Any) -> Any:
        """Send one request; a failure is a response that holds it."""
        payload, headers = named.get("payload"), named.get("headers")
        if (
            self.connection is None
            or named.keys() - {"payload", "headers"}
            or not url.startswith(self._prefix)
            or not isinstance(payload, bytes | None)
        ):
            return super()._send_request_safe_mode(method, url, **named)
        try:
            response = self.connection.exchange(method, self._request(method, url, headers or {}, payload))
        except FAILURE_EXCEPTIONS as error:
            return ErrorResponse(self.client._make_request(url, method=method, headers=headers, payload=payload), error)  # noqa: SLF001
        status = response.status_code
        if status in self.client.redirect_response_codes:
            return super()._send_request_safe_mode(method, url, **named)
        if status not in self.client.valid_response_codes:
            response.error = LocustBadStatusCode(url, code=status)  # type: ignore[attr-defined]  # as Locust does
        return response

    def _request(self, method: str, url: str, headers: dict[str, str], payload: bytes | None) -> bytes:
        """Return the request's bytes; the head of one method, URL and set of headers is built once."""
        key = (method, url, tuple(headers.items()))
        head = self._heads.get(key)
        if head is None:
            lines = [f"{method} {url[len(self._prefix) :] or '/'} HTTP/1.1", f"Host: {self._host}"]
            given = {"User-Agent": "seawall", "Accept": "*/*", **headers}
            if "\n" in "".join([url, *given, *given.values()]) or "\r" in "".join([url, *given, *given.values()]):
                raise ValueError("a header or URL must not hold a line break")
            lines += [f"{name}: {value}" for name, value in given.items()]
            head = "\r\n".join([*lines, "Content-Length: "]).encode("latin-1")
            if len(self._heads) < _MOST_HEADS:
                self._heads[key] = head
        body = payload or b""
        return b"%b%d\r\n\r\n%b" % (head, len(body), body)


_MOST_HEADS = 64
