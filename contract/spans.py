"""Spans of what is traced, by OpenTelemetry, whose library is loaded only where the environment says where they go.

The variables are OpenTelemetry's own: ``OTEL_EXPORTER_OTLP_ENDPOINT`` or ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`` turn
tracing on, ``OTEL_SDK_DISABLED=true`` and ``OTEL_TRACES_EXPORTER=none`` off. Whether a request is traced is decided
before it has a span: one that is not costs nothing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from contract.errors import BadTracing
from contract.trace_context import TRACEPARENT, TraceContext

if TYPE_CHECKING:
    from opentelemetry import trace as otel

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | float | bool
Attributes = Mapping[str, Value]

RECORD_ID, PROBLEM = "seawall.record.id", "seawall.problem"
OF_DATABASE: Attributes = {"db.system.name": "postgresql"}
_PLACES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SPOKEN = "http/protobuf"
_NOTHING: Attributes = {}


class Span:
    """Something that is traced, or, as here, is not: then nothing that is said of it has any effect.

    Used in a with-block it ends with it. Times are nanoseconds of the monotonic clock.
    """

    __slots__ = ()
    context: TraceContext | None = None
    """What whoever comes next is told; None where nothing is traced."""

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """The headers of a message that continues this."""
        return [] if self.context is None else [(TRACEPARENT, self.context.header)]

    def part(self, name: str, kind: Kind = "internal", attributes: Attributes = _NOTHING) -> Span:  # noqa: ARG002 - nothing
        """Return a part of this that begins now."""
        return self

    def stage(
        self,
        name: str,
        begun_ns: int,
        ended_ns: int | None = None,
        kind: Kind = "internal",
        attributes: Attributes = _NOTHING,
    ) -> None:
        """Add a part that is over, by default since now."""

    def note(self, attributes: Attributes) -> None:
        """Add *attributes*."""

    def fail(self, reason: str) -> None:
        """Mark this as failed."""

    def end(self, ended_ns: int | None = None) -> None:
        """End this, by default now; only then it is kept."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


NOT_TRACED = Span()
_current: ContextVar[Span] = ContextVar("seawall-span", default=NOT_TRACED)
current = _current.get
"""Returns the span of the request that this task serves."""
set_current, reset_current = _current.set, _current.reset


def of_topic(topic: str) -> Attributes:
    """Return the attributes of what is done with a Kafka topic."""
    return {"messaging.system": "kafka", "messaging.destination.name": topic}


def of_place(partition: int, offset: int) -> Attributes:
    """Return the attributes of a place in a topic."""
    return {"messaging.destination.partition.id": str(partition), "messaging.kafka.offset": offset}


class Spans:
    """Begins spans of one service, and sends those that have ended, in batches and by a thread of its own.

    What finds the queue full, or nobody to take it, is dropped.
    """

    def __init__(self, service: str, instance: str, collector: str = "") -> None:
        # loaded where tracing is asked for, and nowhere else: it takes a fifth of a second and 10 MB
        from opentelemetry import trace as otel  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON  # noqa: PLC0415

        named = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or service, "service.instance.id": instance}
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,  # it was decided before
            resource=Resource.create({**named}),
            shutdown_on_exit=False,  # as that waits for as long as a collector that is gone likes
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(f"{collector}/v1/traces" if collector else None))
        )
        self._tracer = self._provider.get_tracer("seawall")
        self._otel = otel

    def begin(
        self,
        name: str,
        kind: Kind,
        parent: TraceContext | None = None,
        *,
        begun_ns: int | None = None,
        attributes: Attributes = _NOTHING,
        links: Sequence[TraceContext] = (),
    ) -> Span:
        """Return a span that continues *parent*, or begins a trace of its own."""
        otel = self._otel
        context = None
        if parent is not None:
            context = otel.set_span_in_context(otel.NonRecordingSpan(_remote(parent)))
        # the same for all parts, so that a clock that is set meanwhile does not tear them apart
        ahead_ns = time.time_ns() - time.monotonic_ns()
        return _KeptSpan(
            self._tracer,
            self._tracer.start_span(
                name,
                context,
                otel.SpanKind[kind.upper()],
                dict(attributes),
                [otel.Link(_remote(one)) for one in links],
                (time.monotonic_ns() if begun_ns is None else begun_ns) + ahead_ns,
            ),
            ahead_ns,
        )

    def close(self, within_s: float = 2.0) -> None:
        """Send what is left, for so long at most."""
        # A thread that does not keep the process: the library's own end waits for half a minute.
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(within_s)


class _KeptSpan(Span):
    __slots__ = ("_ahead_ns", "_span", "_tracer", "context")

    def __init__(self, tracer: otel.Tracer, span: otel.Span, ahead_ns: int) -> None:
        self._tracer, self._span, self._ahead_ns = tracer, span, ahead_ns
        found = span.get_span_context()
        self.context = TraceContext(f"{found.trace_id:032x}", f"{found.span_id:016x}", sampled=True)

    def part(self, name: str, kind: Kind = "internal", attributes: Attributes = _NOTHING) -> Span:
        return self._begin(name, kind, attributes, time.monotonic_ns())

    def stage(
        self,
        name: str,
        begun_ns: int,
        ended_ns: int | None = None,
        kind: Kind = "internal",
        attributes: Attributes = _NOTHING,
    ) -> None:
        self._begin(name, kind, attributes, begun_ns).end(ended_ns)

    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes(dict(attributes))

    def fail(self, reason: str) -> None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - it is loaded already

        self._span.set_status(StatusCode.ERROR, reason)

    def end(self, ended_ns: int | None = None) -> None:
        self._span.end((time.monotonic_ns() if ended_ns is None else ended_ns) + self._ahead_ns)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.fail(type(error).__name__)  # its words may hold the record's
        self.end()

    def _begin(self, name: str, kind: Kind, attributes: Attributes, begun_ns: int) -> _KeptSpan:
        from opentelemetry import trace as otel  # noqa: PLC0415 - it is loaded already

        span = self._tracer.start_span(
            name,
            otel.set_span_in_context(self._span),
            otel.SpanKind[kind.upper()],
            dict(attributes),
            start_time=begun_ns + self._ahead_ns,
        )
        return _KeptSpan(self._tracer, span, self._ahead_ns)


def _remote(context: TraceContext) -> otel.SpanContext:
    from opentelemetry import trace as otel  # noqa: PLC0415 - it is loaded already

    return otel.SpanContext(
        int(context.trace_id, 16), int(context.span_id, 16), is_remote=True, trace_flags=otel.TraceFlags(1)
    )


def is_asked_for(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the environment says where traces go."""
    off = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    nowhere = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    return any(environment.get(name) for name in _PLACES) and not (off or nowhere)


def spans_of(service: str, instance: str, collector: str = "") -> Spans | None:
    """Return what begins spans of *service*, one of whose processes is *instance*; None where no traces are wanted.

    *collector* is where they go if the environment names no place. Raises `BadTracing` where it asks for what cannot be
    done.
    """
    if not is_asked_for():
        return Spans(service, instance, collector.rstrip("/")) if collector else None
    protocol = next((os.environ[name] for name in _PROTOCOLS if os.environ.get(name)), _SPOKEN)
    if protocol.strip().lower() != _SPOKEN:
        raise BadTracing(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}, and only {_SPOKEN} is spoken here: unset it, and name the"
            " collector's port for HTTP, 4318 by default"
        )
    place = next(os.environ[name] for name in _PLACES if os.environ.get(name))
    if not place.startswith(("http://", "https://")):
        raise BadTracing(f"OTEL_EXPORTER_OTLP_ENDPOINT should look like http://host:4318, and {place!r} does not")
    return Spans(service, instance)
