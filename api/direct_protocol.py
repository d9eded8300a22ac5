"""HTTP without a task: uvicorn's protocol, with short cuts for what can be answered without waiting in a coroutine.

That are writes by paths that call back, and reads of what is in memory. For each request uvicorn makes a scope, a
cycle, an event, a timer and a task, and checks every header that is sent. A plain one needs none of that; it is most of
what it costs. Everything that is not plain goes the long way.

Clients repeat the heads of their requests byte for byte. So the parser reads each once, and a request that is a known
head and a body of its length, no more and no less, is recognised without it; of reads it is the head behind the target
that repeats. The key is part of the head: what is known was allowed, and is forgotten when keys change.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from api.answers import Answer
from api.bounded_protocol import BoundedProtocol, Bounds, Direct, Exchange
from api.guard import Guard
from api.problems import CROWDED
from contract.api_keys import Scope

log = logging.getLogger(__name__)

_now_ns = time.perf_counter_ns
_HEAD_END = b"\r\n\r\n"
_READERS_HEADERS = frozenset(
    [b"host", b"user-agent", b"accept", b"accept-encoding", b"accept-language", b"authorization", b"connection"]
)
"""With none but these a read is plain: no answer here depends on them, but for the key."""
_MOST_HEADS = 4_096
"""Lengths of records vary, and so their heads; with more than these all are read again."""
_ONCE_ALONE = b"traceparent:"
"""A head that holds this does not come again."""


class DirectRead(Protocol):
    """What answers reads below a URL path at once."""

    def __call__(self, name: bytes, /) -> Answer | None:
        """Return the answer for the last part of the path; None where the application must be asked."""
        ...


class KnownHead(NamedTuple):
    """What the parser made of a plain request's head."""

    serve: Direct
    length: int
    """Of the body."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What all connections of a process have in common."""

    direct: Mapping[bytes, Direct]
    """What serves a URL path without a task."""
    reads: Mapping[bytes, DirectRead]
    """What answers reads below a URL path without a task."""
    guard: Guard
    bounds: Bounds
    crowded: Callable[[], bool] = lambda: False
    """Whether more requests come than the process can serve; asked only where one is not answered from memory."""
    note_refused: Callable[[bytes], None] = lambda _: None
    """Told of each read that is refused for that reason, by the URL path above it."""
    note_refused_write: Callable[[Direct, int], None] = lambda *_: None
    """Told of each write that was one too many, and of the status of its answer."""
    exchange: type[Exchange] = Exchange
    """What holds a write until it is answered."""
    known: dict[bytes, KnownHead] = field(default_factory=dict)
    """Heads of writes that came before."""
    known_reads: set[bytes] = field(default_factory=set)
    """Heads of reads, behind their target, that came before and were plain."""

    def forget(self) -> None:
        """Read all heads again: keys have changed."""
        self.known.clear()
        self.known_reads.clear()


class DirectProtocol(BoundedProtocol):
    """Serves plain POSTs to some URL paths itself, and plain reads of some, and leaves the rest to uvicorn."""

    def __init__(self, terms: Terms, *arguments: Any, **named: Any) -> None:
        super().__init__(terms.bounds, *arguments, **named)
        self._terms = terms
        self._known, self._exchange = terms.known, terms.exchange
        self._came = b""
        """What is being parsed, if a request begins with it."""
        self._refused = False
        """The request that is being parsed was refused by what serves it directly."""

    def data_received(self, data: bytes) -> None:
        """Serve a request whose head is known; let the parser read everything else."""
        if self._between:
            if data.startswith(b"GET ") and self._read(data):
                return
            end = data.find(_HEAD_END)
            known = self._known.get(data[:end]) if end > 0 else None
            if known is not None and len(data) - end - len(_HEAD_END) == known.length and self._is_free():
                # what a refusal costs is missing for those who are served
                refusal = known.serve.refusal()
                if refusal is not None:
                    self._terms.note_refused_write(known.serve, refusal.status)
                    self.write_answer(refusal, keep_alive=True)
                    return
                exchange = self._exchange(self, known.serve)
                exchange.body = data[-known.length :]
                self.cycle = exchange  # type: ignore[assignment]  # as below
                if self._serve(exchange):
                    return
                self._refused = True
            self._came = data
        self._parse(data, is_all=self._between)
        self._came = b""
        self._refused = False

    # called by the parser, in this order

    def on_message_begin(self) -> None:
        """Begin a request, for whoever will serve it."""
        self._begin()
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Decide who serves the request; raises `TurnedAway`, so that nothing behind it is parsed."""
        self._check_head()
        serve = self._terms.direct.get(self.url)
        if serve is not None and not self._refused and self._is_plain():
            self.cycle = self._exchange(self, serve)  # type: ignore[assignment]  # has what the parent asks of a cycle
        else:
            self._leave_to_uvicorn()
            self.cycle.keep_alive = self.cycle.keep_alive and not self.parser.should_upgrade()
        # not before: until here a mistake is answered for this request, and `cycle` is the one before
        self._in_head = False

    def on_body(self, body: bytes) -> None:
        """Collect a part of the body."""
        exchange: object = self.cycle
        if isinstance(exchange, Exchange):
            exchange.body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Serve the request, or leave it to uvicorn after all."""
        self._end()
        exchange: object = self.cycle
        if not isinstance(exchange, Exchange):
            if self._came.startswith(b"GET ") and self._is_plain_read():
                self._learn_read()
            super().on_message_complete()
            return
        length = len(exchange.body)  # it has none any more once it is answered
        refusal = exchange.serve.refusal()
        if refusal is not None:
            self._terms.note_refused_write(exchange.serve, refusal.status)
            Exchange.answer(exchange, refusal)  # it is counted already
            self._learn(exchange.serve, length)
        elif self._serve(exchange):
            self._learn(exchange.serve, length)
        else:
            self._leave_to_uvicorn()
            super().on_body(exchange.body)
            super().on_message_complete()

    def _read(self, data: bytes) -> bool:
        """Answer a read whose head is known from memory; tell whether that could be."""
        end = data.find(b" ", 4)
        if data[end:] not in self._terms.known_reads or not self._is_free():
            return False
        path, _, name = data[4:end].rpartition(b"/")
        read = self._terms.reads.get(path)
        answer = None if read is None else read(name)
        if answer is None and self._terms.crowded():
            answer = CROWDED
            self._terms.note_refused(path)
        if answer is None:
            return False
        self.write_answer(answer, keep_alive=True)
        return True

    def _is_plain_read(self) -> bool:
        """Tell whether the answer depends on nothing but the target, and this client may have it."""
        headers = dict(self.headers)
        return (
            len(headers) == len(self.headers)
            and headers.keys() <= _READERS_HEADERS
            and headers.get(b"connection", b"keep-alive").lower() == b"keep-alive"
            and self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and self._terms.guard.refusal(headers.get(b"authorization"), Scope.READ) is None
        )

    def _learn_read(self) -> None:
        """Remember the head behind the target, if all that came at once was this request."""
        known = self._terms.known_reads
        if self._came.find(_HEAD_END) + len(_HEAD_END) == len(self._came):
            if len(known) >= _MOST_HEADS:
                known.clear()
            known.add(self._came[self._came.index(b" ", 4) :])

    def _serve(self, exchange: Exchange) -> bool:
        """Begin to serve, and return whether it was begun."""
        exchange.begun_ns = _now_ns()
        try:
            begun = exchange.serve(exchange.body, exchange.answer)
        except Exception:
            log.exception("a write failed in an unforeseen way")
            begun = False
        if not begun:
            exchange.response_complete = True
        return begun

    def _learn(self, serve: Direct, length: int) -> None:
        """Remember the head before a body of that *length*, if all that came at once was this request."""
        end = self._came.find(_HEAD_END)
        if _ONCE_ALONE in self._came[:end].lower():
            return
        if end > 0 and len(self._came) - end - len(_HEAD_END) == length:
            if len(self._known) >= _MOST_HEADS:
                self._known.clear()
            self._known[self._came[:end]] = KnownHead(serve, length)

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
            len(headers) == len(self.headers)  # nothing twice
            and headers.get(b"content-type") == b"application/json"
            # without a length the body comes in chunks; the parser has checked that it is a number
            and 0 < int(headers.get(b"content-length", b"0")) <= self._bounds.body_bytes
            and self._terms.guard.refusal(headers.get(b"authorization"), Scope.WRITE) is None
        )

    def _leave_to_uvicorn(self) -> None:
        """Begin the request as the parent would have done."""
        url, headers, expect_100_continue = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect_100_continue
        self.headers += headers  # the scope holds this very list
        super().on_headers_complete()
