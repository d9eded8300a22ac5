"""A client some of whose requests are traced: each begins a trace, and tells the service by `traceparent`.

It stands in for the plain one only where that is asked for (``--trace-share``), so that without it a request costs what
it always did. A span runs from the sending to the answer; how late the sending was stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contract.spans import Attributes, Span
from contract.trace_context import TRACEPARENT
from seawall.load.http.client import Client
from seawall.load.http.request import Plan
from seawall.load.http.response import Response
from seawall.load.traces import LoadTraces

_FAILED = 400


class TracedClient(Client):
    """Sends requests of which some carry a `traceparent`."""

    def __init__(
        self,
        base_url: str,
        report: Callable[[Response], None],
        *,
        traces: LoadTraces,
        about: Callable[[], Attributes],
        abandon: Callable[[Response], None],
        **named: Any,
    ) -> None:
        """*about* says what a span is to hold of the request that is sent just now; the others are `Client`'s."""

        def reported(response: Response) -> None:
            _end(response)
            report(response)

        def abandoned(response: Response) -> None:
            _end(response)
            abandon(response)

        super().__init__(base_url, reported, abandon=abandoned, **named)
        self._traces, self._about = traces, about

    def _exchange(self, response: Response, plan: Plan, body: bytes) -> None:
        span = response.span
        if span is None and self._traces.chooses():
            attributes = {"http.request.method": response.method, "url.full": plan.url, **self._about()}
            span = self._traces.spans.begin(f"{response.method} {response.name}", "client", attributes=attributes)
            response.span = span
        if span is not None and span.context is not None:
            header = b"%b: %b\r\n" % (TRACEPARENT.encode(), span.context.header)
            plan = plan._replace(head=plan.head + header)
        super()._exchange(response, plan, body)


def _end(response: Response) -> None:
    span: Span | None = response.span
    if span is None:
        return
    response.span = None
    late_ns = response.sent_ns - response.intended_ns if response.intended_ns else 0
    span.note({"seawall.start_lag_ms": late_ns / 1e6, "http.response.status_code": response.status_code})
    if not 0 < response.status_code < _FAILED:
        span.fail(f"status {response.status_code}" if response.status_code else type(response.error).__name__)
    span.end(response.answered_ns or None)
