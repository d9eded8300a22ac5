"""uvicorn's protocol within bounds that it does not have: of connections, heads, framing, and time.

A head has a size, a request some time to arrive, a client some time to take its answers, and connections a number.
What is beyond them, or no request at all, is answered in the form of all problems, and the connection closed; nothing
behind it is parsed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import httptools
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from api.answers import JSON, Answer
from api.metrics.requests import EndpointCounts
from api.problems import BodyTooLarge, HeadTooLarge, MalformedRequest, Problem, RequestTimeout, Unavailable

_VERSIONS = ("1.1", "1.0")
_MOST_FRAMING = 4
"""A body in chunks may take so many times its largest size, framing and trailers included."""
_LAST_REQUEST_S = 0.5
"""For so long a server that ends waits for a further request on an idle connection."""
_LAST_LOOK_S = 0.01
"""And so long after that: a loop that comes late runs what is due before it reads, and a request may have come."""
_JSON_HEADS = {status: b"%b%b: %b\r\n" % (line, *JSON[0]) for status, line in STATUS_LINE.items()}


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What no connection may exceed."""

    body_bytes: int
    head_bytes: int
    """Of the request line and the headers together."""
    request_s: float
    """How long a request may take to arrive, and an answer to be taken."""
    connections: int
    """Most of them at once."""
    note_turned_away: Callable[[int], None] = lambda _: None
    """Told the status of each answer to what no path can serve."""


class Direct(Protocol):
    """What serves a URL path by a callback."""

    endpoint: EndpointCounts
    """Of what it serves; where requests are counted, with what became of them."""

    def refusal(self) -> Answer | None:
        """Return the answer to a request that comes now where it is one too many; None where it may go on."""
        ...

    def __call__(self, body: bytes, answer: Callable[[Answer], None], /) -> bool:
        """Begin, and call *answer* later on the loop; False where the application must serve the request instead.

        What is begun is counted in `endpoint.begun`; what became of it, by whoever holds the answer.
        """
        ...


class Exchange:
    """One request that is answered by a callback; stands where uvicorn's protocol expects a cycle of its own."""

    __slots__ = ("_protocol", "begun_ns", "body", "disconnected", "keep_alive", "response_complete", "serve")
    message_event = asyncio.Event()
    """Set by uvicorn's protocol when the client goes; nobody waits for it."""

    def __init__(self, protocol: BoundedProtocol, serve: Direct) -> None:
        self._protocol = protocol
        self.serve = serve
        self.begun_ns = 0
        """When it was there as a whole, by the clock of performance counters."""
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


class TurnedAway(Exception):
    """The connection is being closed; the parser hands it on as an error of its own."""


class BoundedProtocol(HttpToolsProtocol):
    """Keeps one connection within its bounds; its child decides what serves a request."""

    def __init__(self, bounds: Bounds, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._bounds = bounds
        self._between = True
        """The parser is between two requests."""
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
        self._idle_since_s = 0.0
        self._arrival: asyncio.TimerHandle | None = None
        """Ends a request that takes too long to arrive."""
        self._reader: asyncio.TimerHandle | None = None
        """Ends a client that does not take its answers."""

    # called by the loop

    def connection_made(self, transport: Any) -> None:
        """Take a connection, as long as there are not too many; one that sends nothing is idle from now on."""
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            self._turn_away(Unavailable("there are too many connections", retry_after_s=1.0))
            return
        self._await_another()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave no timer behind, and forget the last exchange.

        It holds this protocol, and the collector would not come for 5 KB a connection.
        """
        super().connection_lost(exc)
        for timer in (self._arrival, self._reader, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()
        exchange: object = self.cycle
        if isinstance(exchange, Exchange) or (self.cycle is not None and self.cycle.response_complete):
            self.cycle = None  # type: ignore[assignment]  # as it was before the first request

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

    # called by uvicorn

    def on_response_complete(self) -> None:
        """Be ready for the next request."""
        self._idle_since_s = self.loop.time()
        cycle: object = self.cycle
        if isinstance(cycle, RequestResponseCycle) and cycle.response_complete:
            cycle.body.clear()  # as in `Exchange.answer`
        super().on_response_complete()
        self._await_the_reader()

    def shutdown(self) -> None:
        """End the connection with its next answer, or when none is asked for.

        uvicorn closes at once what is idle, and breaks the request that is on its way in that moment.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            super().shutdown()
            self._await_the_reader()
        else:
            self.loop.call_later(_LAST_REQUEST_S, self.loop.call_later, _LAST_LOOK_S, self._close_idle)

    # called by the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, as long as there is room; trailers are none (RFC 9110, 6.5.1)."""
        self._head_bytes += len(name) + len(value)
        if self._in_head and self._head_bytes <= self._bounds.head_bytes:
            super().on_header(name, value)

    # for whoever serves

    def write_answer(self, answer: Answer, *, keep_alive: bool) -> None:
        """Write *answer* in one piece, and be ready for the next request."""
        more = self.server_state.default_headers
        if CLOSE_HEADER in more:  # the server is about to end
            keep_alive = False
        elif not keep_alive:
            more = [*more, CLOSE_HEADER]
        if answer.wire and not more:
            self.transport.write(answer.wire)
        else:
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

    def _close_idle(self) -> None:
        """Close the connection if no request came meanwhile; that one is answered and the last."""
        if self._between and self._is_free() and not self.transport.is_closing():
            self.transport.close()
            self._await_the_reader()

    def _begin(self) -> None:
        """Note that a request begins."""
        self._between = False
        self._in_head = True
        self._begun += 1
        self._head_bytes = self._raw_bytes = 0

    def _check_head(self) -> None:
        """Raise `TurnedAway` where the head is none that is served."""
        if self.transport.is_closing():
            raise TurnedAway
        if self.parser.get_http_version() not in _VERSIONS or (self.parser.should_upgrade() and self._has_body()):
            self._turn_away(MalformedRequest())  # llhttp takes the body of an upgrade for what follows it
            raise TurnedAway
        if self._head_bytes + len(self.url) > self._bounds.head_bytes:
            self._turn_away(HeadTooLarge(self._bounds.head_bytes))
            raise TurnedAway

    def _end(self) -> None:
        """Note that a request has come as a whole."""
        self._between = True
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _parse(self, data: bytes, *, is_all: bool) -> None:
        """Do as the parent does with what came, but log nothing of what is no request; then bound what is to come.

        *is_all*: *data* began between two requests.
        """
        self._unset_keepalive_if_required()
        self._begun = 0
        if not self._over:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade:  # served as if it did not ask for that, and the connection then closed
                self._over = True
            except httptools.HttpParserError:
                self._over = True
                self._turn_away(MalformedRequest())
        if not self._between:
            # what stood before it in the segment was another one's
            mine = not self._begun or (self._begun == 1 and is_all)
            self._await_the_rest(len(data) if mine else 0)
        elif self.timeout_keep_alive_task is None and self._is_free() and not self.transport.is_closing():
            self._await_another()  # nothing but line ends came, or the answer was there before the request's end

    def _is_free(self) -> bool:
        """Tell whether the request before is answered, and its answer sent."""
        return (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused

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
            self._reader = self.loop.call_later(self._bounds.request_s, self.transport.abort)

    def _await_the_rest(self, came_bytes: int) -> None:
        """Bound what is still to come of a request, by time and by bytes."""
        if self._arrival is None:
            self._arrival = self.loop.call_later(self._bounds.request_s, self._give_up)
        self._raw_bytes += came_bytes
        bounds = self._bounds
        if self._in_head and self._raw_bytes > bounds.head_bytes:
            self._turn_away(HeadTooLarge(bounds.head_bytes))
        elif self._raw_bytes > bounds.head_bytes + _MOST_FRAMING * bounds.body_bytes:
            self._turn_away(BodyTooLarge(bounds.body_bytes))

    def _give_up(self) -> None:
        """End a request that did not arrive in time."""
        self._turn_away(RequestTimeout(self._bounds.request_s))

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
        self._bounds.note_turned_away(problem.status)
        self.write_answer(problem.answer(), keep_alive=False)
