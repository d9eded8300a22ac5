"""An outlet some of whose records are traced: each begins a trace, and tells whoever reads it by `traceparent`.

It stands in for the plain one only where that is asked for (``--trace-share``), so that without it a record costs what
it always did. A span runs from the handing over to the broker's word.
"""

from __future__ import annotations

from contract.spans import RECORD_ID, Attributes, Span, of_topic
from contract.trace_context import TRACEPARENT
from seawall.load.counts import Counts
from seawall.load.kafka.delivery import Delivery
from seawall.load.kafka.outlet import Headers, Outlet
from seawall.load.kafka.terms import Terms
from seawall.load.recorder import NO_RECORD
from seawall.load.run import LoadRun
from seawall.load.traces import LoadTraces


class TracedOutlet(Outlet):
    """Sends records of which some carry a `traceparent`; one that its user gave another is left to that."""

    def __init__(self, terms: Terms, load: LoadRun, counts: Counts, traces: LoadTraces) -> None:
        """As `Outlet`."""
        self._traces = traces
        self._spans: dict[Delivery, Span] = {}
        super().__init__(terms, load, counts)

    def send(self, delivery: Delivery, value: bytes | None, key: bytes | None, headers: Headers) -> None:
        """Begin the record's trace, if it is one of the share, and send it."""
        if self._traces.chooses() and not any(name == TRACEPARENT for name, _ in headers):
            span = self._traces.spans.begin(
                f"publish {delivery.topic}",
                "producer",
                attributes={**of_topic(delivery.topic), **_about(delivery, key)},
            )
            self._spans[delivery] = span
            headers = [*headers, *span.headers]
        super().send(delivery, value, key, headers)

    def _settle(self, delivery: Delivery) -> None:
        span = self._spans.pop(delivery, None)
        super()._settle(delivery)
        if span is None:
            return
        late_ns = delivery.sent_ns - delivery.intended_ns if delivery.intended_ns else 0
        span.note({"seawall.start_lag_ms": late_ns / 1e6})
        if not delivery.ok:
            span.fail(f"status {delivery.status}" if delivery.status else "no acknowledgement")
        span.end(delivery.acked_ns)


def _about(delivery: Delivery, key: bytes | None) -> Attributes:
    """Return whose record it is, and its id if it is one of the run's."""
    whose: Attributes = {"seawall.user": delivery.user.number}
    return whose if delivery.entity == NO_RECORD or key is None else {**whose, RECORD_ID: key.decode()}
