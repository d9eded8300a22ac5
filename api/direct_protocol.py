"""HTTP without a task: uvicorn's protocol, with a short cut for writes that are answered by a callback.

For each request uvicorn makes a scope, a cycle, an event, a timer and a task, and checks every header that is sent. A
plain write needs none of that; it is most of what a write costs. Everything that is not plain goes the long way.

Clients repeat the heads of their requests byte for byte. So the parser reads each once, and a request that is a known
head and a body of its length, no more and no less, is recognised without it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.answers import JSON, Answer

log = logging.getLogger(__name__)

_HEAD_END = b"\r\n\r\n"
_MOST_HEADS = 4_096
"""Lengths of records vary, and so their heads; with more than these, say one for each trace, all are read again."""
_JSON_HEADS = {status: b"%b%b: %b\r\n" % (line, *JSON[0]) for status, line in STATUS_LINE.items()}


class Direct(Protocol):
    """What serves a URL path by a callback."""

    def __call__(self, body: bytes, answer: Callable[[Answer], None], /) -> bool:
        """Begin, and call *answer* later on the loop; False where the application must serve the request instead."""
        ...


class KnownHead(NamedTuple):
    """What the parser made of a plain request's head."""

    serve: Direct
    length: int
    """Of the body."""


class Exchange:
    """One request and its answer; stands where uvicorn's protocol expects a cycle of its own."""

    __slots__ = ("_protocol", "body", "disconnected", "keep_alive", "response_complete", "serve")
    message_event = asyncio.Event()
    """Set by uvicorn's protocol when the client goes; nobody waits for it."""

    def __init__(self, protocol: DirectProtocol, serve: Direct) -> None:
        self._protocol = protocol
        self.serve = serve
        self.body = b""
        self.response_complete = self.disconnected = False
        self.keep_alive = True
        """Becomes false when the server shuts down meanwhile."""

    def answer(self, answer: Answer) -> None:
        """Write the first *answer*, unless the client has gone."""
        if self.response_complete:
            return
        self.response_complete = True
        if not self._protocol.transport.is_closing():
            self._protocol.write_answer(answer, keep_alive=self.keep_alive)


class DirectProtocol(HttpToolsProtocol):
    """Serves plain POSTs to the URL paths of *direct*, up to *limit_bytes* long, and leaves the rest to uvicorn."""

    def __init__(
        self,
        direct: Mapping[bytes, Direct],
        limit_bytes: int,
        known: dict[bytes, KnownHead],
        *arguments: Any,
        **named: Any,
    ) -> None:
        """*known* is shared by all connections, and begins empty."""
        super().__init__(*arguments, **named)
        self._direct = direct
        self._limit_bytes = limit_bytes
        self._known = known
        self._between = True
        """The parser is between two requests."""
        self._came = b""
        """What is being parsed, if a request begins with it."""
        self._refused = False
        """The request that is being parsed was refused by what serves it directly."""
        self._idle_since_s = 0.0

    def data_received(self, data: bytes) -> None:
        """Serve a request whose head is known; let the parser read everything else."""
        if self._between:
            end = data.find(_HEAD_END)
            known = self._known.get(data[:end])
            if known is not None and len(data) - end - len(_HEAD_END) == known.length and self._is_free():
                exchange = Exchange(self, known.serve)
                exchange.body = data[-known.length :]
                self.cycle = exchange  # type: ignore[assignment]  # as below
                if self._serve(exchange):
                    return
                self._refused = True
            self._came = data
        super().data_received(data)
        self._came = b""
        self._refused = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the last exchange: it holds this protocol, and the collector would not come for 5 KB a connection."""
        super().connection_lost(exc)
        exchange: object = self.cycle
        if isinstance(exchange, Exchange) or (self.cycle is not None and self.cycle.response_complete):
            self.cycle = None  # type: ignore[assignment]  # as it was before the first request

    # called by the parser, in this order

    def on_message_begin(self) -> None:
        """Begin a request, for whoever will serve it."""
        self._between = False
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Decide who serves the request."""
        serve = self._direct.get(self.url)
        if serve is not None and not self._refused and self._is_plain():
            self.cycle = Exchange(self, serve)  # type: ignore[assignment]  # has what the parent asks of a cycle
        else:
            self._leave_to_uvicorn()

    def on_body(self, body: bytes) -> None:
        """Collect a part of the body."""
        exchange: object = self.cycle
        if isinstance(exchange, Exchange):
            exchange.body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Serve the request, or leave it to uvicorn after all."""
        self._between = True
        exchange: object = self.cycle
        if not isinstance(exchange, Exchange):
            super().on_message_complete()
        elif self._serve(exchange):
            self._learn(exchange)
        else:
            self._leave_to_uvicorn()
            super().on_body(exchange.body)
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Be ready for the next request."""
        self._idle_since_s = self.loop.time()
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, unless it was used since the time began."""
        self.timeout_keep_alive_task = None
        left_s = self._idle_since_s + self.timeout_keep_alive - self.loop.time()
        if not self._is_free() or left_s > 0:
            again_s = max(left_s, 1.0)
            self.timeout_keep_alive_task = self.loop.call_later(again_s, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def write_answer(self, answer: Answer, *, keep_alive: bool) -> None:
        """Write *answer* in one piece, and be ready for the next request."""
        more = self.server_state.default_headers if keep_alive else [*self.server_state.default_headers, CLOSE_HEADER]
        if answer.headers is JSON and not more:
            head = _JSON_HEADS[answer.status]
        else:
            lines = [b"%b: %b\r\n" % header for header in (*answer.headers, *more)]
            head = b"".join([STATUS_LINE[answer.status], *lines])
        self.transport.write(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(answer.body), answer.body))
        if not keep_alive:
            self.transport.close()
        if self.pipeline or self.timeout_keep_alive_task is None or not keep_alive:
            self.on_response_complete()
        else:  # a timer is running: it will find out when the connection was last used
            self.server_state.total_requests += 1
            self._idle_since_s = self.loop.time()

    def _serve(self, exchange: Exchange) -> bool:
        """Begin to serve, and return whether it was begun."""
        try:
            begun = exchange.serve(exchange.body, exchange.answer)
        except Exception:
            log.exception("a write failed in an unforeseen way")
            begun = False
        if not begun:
            exchange.response_complete = True
        return begun

    def _learn(self, exchange: Exchange) -> None:
        """Remember the head, if all that came at once was this request."""
        end = self._came.find(_HEAD_END)
        if end > 0 and len(self._came) - end - len(_HEAD_END) == len(exchange.body):
            if len(self._known) >= _MOST_HEADS:
                self._known.clear()
            self._known[self._came[:end]] = KnownHead(exchange.serve, len(exchange.body))

    def _is_free(self) -> bool:
        """Tell whether the request before is answered, and its answer sent."""
        return (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused

    def _is_plain(self) -> bool:
        """Tell whether only this request's body is needed to serve it, and nothing is waited for before its answer."""
        parser = self.parser
        if not self._is_free() or self.expect_100_continue:
            return False
        if parser.get_method() != b"POST" or parser.get_http_version() != "1.1":
            return False
        if not parser.should_keep_alive() or parser.should_upgrade():
            return False
        headers = dict(self.headers)
        return (
            headers.get(b"content-type") == b"application/json"
            # without a length the body comes in chunks; the parser has checked that it is a number
            and 0 < int(headers.get(b"content-length", b"0")) <= self._limit_bytes
        )

    def _leave_to_uvicorn(self) -> None:
        """Begin the request as the parent would have done."""
        url, headers, expect_100_continue = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect_100_continue
        self.headers += headers  # the scope holds this very list
        super().on_headers_complete()
