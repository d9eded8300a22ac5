"""A client some of whose requests are traced: each begins a trace, and tells the service by `traceparent`.

It stands in for the plain one only where that is asked for (``--trace-share``), so that without it a request costs what
it always did. A span runs from the sending to the answer; how late the sending was stands beside it.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any

from contract.errors import BadTracing
from contract.spans import Attributes, Span, Spans, is_asked_for, spans_of
from contract.trace_context import TRACEPARENT
from seawall.load.http.client import Client
from seawall.load.http.request import Plan
from seawall.load.http.response import Response
from seawall.stack.state import read_state

SERVICE = "seawall-load"
_NOWHERE = (
    "--trace-share needs somewhere to send traces: start the stack by `bin/seawall up --trace 0%`, or name a collector"
    " by OTEL_EXPORTER_OTLP_ENDPOINT"
)
_FAILED = 400

logger = logging.getLogger(__name__)


class LoadTraces:
    """What begins the traces of one process's requests."""

    def __init__(self, spans: Spans, share: float, seed: int) -> None:
        self.spans, self._share = spans, share
        self._draw = random.Random(f"{seed}/traces").random  # of its own: what users draw stays what it was

    @classmethod
    def of(cls, share: float, seed: int, worker: int) -> LoadTraces | None:
        """Return what traces that *share* of requests; None for none, and where this host knows no place for them."""
        if not share:
            return None
        try:
            spans = spans_of(SERVICE, f"worker-{worker}", _collector())
        except BadTracing as error:
            logger.warning("no request of this process is traced: %s", error)
            return None
        if spans is None:
            logger.warning("no request of this process is traced: %s", _NOWHERE)
            return None
        return cls(spans, share, seed)

    def chooses(self) -> bool:
        """Tell whether the next request is traced."""
        return self._draw() < self._share


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


def check_traces(share: float, host: str, *, judged: bool) -> None:
    """Raise `ValueError` where traces of this *share* could go nowhere, or would be of a run that is *judged*."""
    state = read_state()
    if judged:
        instead = "traces take time that would be judged: give --no-verdict, or"
        if share:
            raise ValueError(f"{instead} leave --trace-share out")
        if state is not None and state.options.trace is not None and host.rstrip("/") == state.api_url:
            raise ValueError(f"{instead} start the stack without --trace")
    if share and not (is_asked_for() or _collector()):
        raise ValueError(_NOWHERE)


def _collector() -> str:
    state = read_state()
    return state.trace_url if state else ""
