"""HTTP without a task: uvicorn's protocol, with short cuts for what can be answered without waiting in a coroutine.

That are writes by paths that call back, and reads of what is in memory. For each request uvicorn makes a scope, a
cycle, an event, a timer and a task, and checks every header that is sent. A plain one needs none of that; it is most of
what it costs. Everything that is not plain goes the long way.

Clients repeat the heads of their requests byte for byte. So the parser reads each once, and a request that is a known
head and a body of its length, no more and no less, is recognised without it; of reads it is the head behind the target
that repeats. The key is part of the head: what is known was allowed, and is forgotten when keys change.

It also keeps the connections in bounds, which uvicorn does not do: heads have a size, requests and readers a time, and
connections a number.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import httptools
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from api.answers import JSON, Answer
from api.guard import Guard
from api.problems import CROWDED, BodyTooLarge, HeadTooLarge, MalformedRequest, Problem, RequestTimeout, Unavailable
from contract.api_keys import Scope

log = logging.getLogger(__name__)

_VERSIONS = ("1.1", "1.0")
_MOST_FRAMING = 4
"""A body in chunks may take so many times its largest size, framing and trailers included."""
_HEAD_END = b"\r\n\r\n"
_READERS_HEADERS = frozenset(
    [b"host", b"user-agent", b"accept", b"accept-encoding", b"accept-language", b"authorization", b"connection"]
)
"""With none but these a read is plain: no answer here depends on them, but for the key."""
_MOST_HEADS = 4_096
"""Lengths of records vary, and so their heads; with more than these, say one for each trace, all are read again."""
_JSON_HEADS = {status: b"%b%b: %b\r\n" % (line, *JSON[0]) for status, line in STATUS_LINE.items()}


class Direct(Protocol):
    """What serves a URL path by a callback."""

    def __call__(self, body: bytes, answer: Callable[[Answer], None], /) -> bool:
        """Begin, and call *answer* later on the loop; False where the application must serve the request instead."""
        ...


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
    max_body_bytes: int
    max_head_bytes: int
    request_s: float
    """How long a request may take to arrive, and an answer to be taken."""
    connections: int
    """Most of them at once."""
    crowded: Callable[[], bool] = lambda: False
    """Whether more requests come than the process can serve; asked only where one is not answered from memory."""
    known: dict[bytes, KnownHead] = field(default_factory=dict)
    """Heads of writes that came before."""
    known_reads: set[bytes] = field(default_factory=set)
    """Heads of reads, behind their target, that came before and were plain."""

    def forget(self) -> None:
        """Read all heads again: keys have changed."""
        self.known.clear()
        self.known_reads.clear()


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
        self.body = b""  # an idle connection should hold none
        if not self._protocol.transport.is_closing():
            self._protocol.write_answer(answer, keep_alive=self.keep_alive)


class DirectProtocol(HttpToolsProtocol):
    """Serves plain POSTs to some URL paths itself, and leaves the rest to uvicorn."""

    def __init__(self, terms: Terms, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._terms = terms
        self._known = terms.known
        self._between = True
        """The parser is between two requests."""
        self._came = b""
        """What is being parsed, if a request begins with it."""
        self._refused = False
        """The request that is being parsed was refused by what serves it directly."""
        self._idle_since_s = 0.0
        self._in_head = False
        """The head of the request that is being parsed has no end yet, or is not understood."""
        self._head_bytes = 0
        """Of the headers of the request that is being parsed."""
        self._raw_bytes = 0
        """What came of it since the segment in which it began, framing and trailers included."""
        self._begun = 0
        """Requests that began in the segment that is being parsed."""
        self._over = False
        """Nothing is parsed any more on this connection."""
        self._arrival: asyncio.TimerHandle | None = None
        """Ends a request that takes too long to arrive."""
        self._reader: asyncio.TimerHandle | None = None
        """Ends a client that does not take its answers."""

    def connection_made(self, transport: Any) -> None:
        """Take a connection, as long as there are not too many; one that sends nothing is idle from now on."""
        super().connection_made(transport)
        if len(self.connections) > self._terms.connections:
            self._turn_away(Unavailable("there are too many connections", retry_after_s=1.0))
            return
        self._await_another()

    def data_received(self, data: bytes) -> None:
        """Serve a request whose head is known; let the parser read everything else."""
        if self._between:
            if data.startswith(b"GET ") and self._read(data):
                return
            end = data.find(_HEAD_END)
            known = self._known.get(data[:end]) if end > 0 else None
            if known is not None and len(data) - end - len(_HEAD_END) == known.length and self._is_free():
                exchange = Exchange(self, known.serve)
                exchange.body = data[-known.length :]
                self.cycle = exchange  # type: ignore[assignment]  # as below
                if self._serve(exchange):
                    return
                self._refused = True
            self._came = data
        self._begun = 0
        self._parse(data)
        if not self._between:
            # what stood before it in the segment was another one's
            is_all = not self._begun or (self._begun == 1 and self._came is data)
            self._await_the_rest(len(data) if is_all else 0)
        elif self.timeout_keep_alive_task is None and self._is_free() and not self.transport.is_closing():
            self._await_another()  # nothing but line ends came, or the answer was there before the request's end
        self._came = b""
        self._refused = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the last exchange: it holds this protocol, and the collector would not come for 5 KB a connection."""
        super().connection_lost(exc)
        for timer in (self._arrival, self._reader, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()
        exchange: object = self.cycle
        if isinstance(exchange, Exchange) or (self.cycle is not None and self.cycle.response_complete):
            self.cycle = None  # type: ignore[assignment]  # as it was before the first request

    # called by the parser, in this order

    def on_message_begin(self) -> None:
        """Begin a request, for whoever will serve it."""
        self._between = False
        self._in_head = True
        self._begun += 1
        self._head_bytes = self._raw_bytes = 0
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, as long as there is room; trailers are none (RFC 9110, 6.5.1)."""
        self._head_bytes += len(name) + len(value)
        if self._in_head and self._head_bytes <= self._terms.max_head_bytes:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Decide who serves the request; raises `_TurnedAway`, so that nothing behind it is parsed."""
        if self.transport.is_closing():
            raise _TurnedAway
        upgrades = self.parser.should_upgrade()
        if self.parser.get_http_version() not in _VERSIONS or (upgrades and self._has_body()):
            self._turn_away(MalformedRequest())  # llhttp takes the body of an upgrade for what follows it
            raise _TurnedAway
        if self._head_bytes + len(self.url) > self._terms.max_head_bytes:
            self._turn_away(HeadTooLarge(self._terms.max_head_bytes))
            raise _TurnedAway
        serve = self._terms.direct.get(self.url)
        if serve is not None and not self._refused and self._is_plain():
            self.cycle = Exchange(self, serve)  # type: ignore[assignment]  # has what the parent asks of a cycle
        else:
            self._leave_to_uvicorn()
            self.cycle.keep_alive = self.cycle.keep_alive and not upgrades
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
        self._between = True
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None
        exchange: object = self.cycle
        if not isinstance(exchange, Exchange):
            if self._came.startswith(b"GET ") and self._is_plain_read():
                self._learn_read()
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
        cycle: object = self.cycle
        if isinstance(cycle, RequestResponseCycle) and cycle.response_complete:
            cycle.body.clear()  # as in `Exchange.answer`
        super().on_response_complete()
        self._await_the_reader()

    def shutdown(self) -> None:
        """Close an idle connection, or once it has its answer."""
        super().shutdown()
        self._await_the_reader()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, unless it was used since the time began."""
        self.timeout_keep_alive_task = None
        left_s = self._idle_since_s + self.timeout_keep_alive - self.loop.time()
        if not self._is_free() or left_s > 0:
            again_s = max(left_s, 1.0)
            self.timeout_keep_alive_task = self.loop.call_later(again_s, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()
            self._await_the_reader()

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

    def pause_writing(self) -> None:
        """Give a client that does not read its answers some time."""
        super().pause_writing()
        self._await_the_reader()

    def resume_writing(self) -> None:
        """Forget that it did not."""
        super().resume_writing()
        if self._reader is not None and not self.transport.is_closing():
            self._reader.cancel()
            self._reader = None

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

    def _parse(self, data: bytes) -> None:
        """Do as the parent does, but answer what is no request in the form of all problems, and log nothing of it."""
        self._unset_keepalive_if_required()
        if self._over:
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # served as if it did not ask for that, and the connection then closed
            self._over = True
        except httptools.HttpParserError:
            self._over = True
            self._turn_away(MalformedRequest())

    def _has_body(self) -> bool:
        """Tell whether the request that is being parsed announces one."""
        return any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers)

    def _await_another(self) -> None:
        """Close the connection after a while in which no request comes."""
        self._idle_since_s = self.loop.time()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _await_the_reader(self) -> None:
        """Break the connection off where the client does not take what is still to be sent before the end, or more."""
        waits = self.flow.write_paused or self.transport.is_closing()
        if self._reader is None and waits and self.transport.get_write_buffer_size():
            self._reader = self.loop.call_later(self._terms.request_s, self.transport.abort)

    def _await_the_rest(self, came_bytes: int) -> None:
        """Bound what is still to come of a request, by time and by bytes."""
        if self._arrival is None:
            self._arrival = self.loop.call_later(self._terms.request_s, self._give_up)
        self._raw_bytes += came_bytes
        terms = self._terms
        if self._in_head and self._raw_bytes > terms.max_head_bytes:
            self._turn_away(HeadTooLarge(terms.max_head_bytes))
        elif self._raw_bytes > terms.max_head_bytes + _MOST_FRAMING * terms.max_body_bytes:
            self._turn_away(BodyTooLarge(terms.max_body_bytes))

    def _give_up(self) -> None:
        """End a request that did not arrive in time."""
        self._turn_away(RequestTimeout(self._terms.request_s))

    def _turn_away(self, problem: Problem) -> None:
        """Answer *problem*, unless the answer to an earlier request has to come first, and close the connection."""
        if self.transport.is_closing():
            return
        exchange: object = self.cycle
        in_body = not (self._between or self._in_head)
        if self.cycle is not None:
            if self.cycle.response_complete and in_body:  # answered already, without the rest of its body
                self.transport.close()
                self._await_the_reader()
                return
            if not self.cycle.response_complete and not (in_body and isinstance(exchange, Exchange)):
                self.transport.abort()
                return
        if isinstance(exchange, Exchange):
            exchange.response_complete = True
        self.write_answer(problem.answer(), keep_alive=False)

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
            len(headers) == len(self.headers)  # nothing twice
            and headers.get(b"content-type") == b"application/json"
            # without a length the body comes in chunks; the parser has checked that it is a number
            and 0 < int(headers.get(b"content-length", b"0")) <= self._terms.max_body_bytes
            and self._terms.guard.refusal(headers.get(b"authorization"), Scope.WRITE) is None
        )

    def _leave_to_uvicorn(self) -> None:
        """Begin the request as the parent would have done."""
        url, headers, expect_100_continue = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect_100_continue
        self.headers += headers  # the scope holds this very list
        super().on_headers_complete()


class _TurnedAway(Exception):
    """The connection is being closed; the parser hands it on as an error of its own."""
