"""The hot path with a span around each request that is traced.

It stands there only where traces are asked for, so that without them a request costs what it always did. What is traced
goes the long way, through a task, in which its stages find the span; everything else keeps its short cuts.
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.types import Message, Receive, Scope, Send

from api.counted_path import CountedPath
from api.hot_path import HotPath
from contract.spans import Attributes, Spans, reset_current, set_current
from contract.trace_context import TRACEPARENT, TraceContext, read_traceparent

_HEADER = TRACEPARENT.encode()
CHOSEN = "seawall_traced"
"""Marks the state of a request that is traced although its caller did not ask for it."""
_STRANGERS = (401, 403)
_FAILED = 500
_MOST_CHARACTERS = 200


class TracedPath:
    """The hot path, or what counts its requests, with a span around each request that is traced."""

    def __init__(self, hot_path: HotPath | CountedPath, spans: Spans, endpoints: Collection[str]) -> None:
        """*endpoints* are the URL paths of which spans are named."""
        self._hot_path, self._spans, self._endpoints = hot_path, spans, endpoints
        self.direct, self.reads = hot_path.direct, hot_path.reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        parent = parent_of(scope["headers"]) if scope["type"] == "http" else None
        chosen = CHOSEN in scope.get("state", ()) if parent is None else parent.sampled
        if not chosen:
            await self._hot_path(scope, receive, send)
            return
        span = self._spans.begin(self._name(scope), "server", parent, attributes=_attributes(scope))
        token = set_current(span)
        status = 0

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._hot_path(scope, receive, seen)
        finally:
            reset_current(token)
            if status not in _STRANGERS:  # who has no key leaves nothing behind
                if status:
                    span.note({"http.response.status_code": status})
                if not status or status >= _FAILED:
                    span.fail(f"status {status}" if status else "the client went before its answer")
                span.end()

    def _name(self, scope: Scope) -> str:
        """Return a name of which there are few."""
        method, path = scope["method"], scope["path"]
        if path in self._endpoints:
            return f"{method} {path}"
        above = path.rpartition("/")[0]
        return f"{method} {above}/{{id}}" if above.encode() in self.reads else str(method)


def parent_of(headers: list[tuple[bytes, bytes]]) -> TraceContext | None:
    """Return what the caller says; of several headers nobody knows which is meant (Trace Context, 3.2)."""
    given = [value for name, value in headers if name == _HEADER]
    return read_traceparent(given[0]) if len(given) == 1 else None


def _attributes(scope: Scope) -> Attributes:
    return {"http.request.method": scope["method"], "url.path": scope["path"][:_MOST_CHARACTERS]}
