"""Traces in a file of OTLP's JSON, a line an export: what of them belongs together, and what it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from contract.spans import RECORD_ID

_NS_PER_MS = 1e6
_ERROR = 2
_KINDS = ("", "internal", "server", "client", "producer", "consumer")


class _Value(msgspec.Struct, rename="camel"):
    string_value: str | None = None
    int_value: str | int | None = None
    double_value: float | None = None
    bool_value: bool | None = None

    @property
    def value(self) -> str | int | float | bool | None:
        if self.int_value is not None:
            return int(self.int_value)
        return next((one for one in (self.string_value, self.double_value, self.bool_value) if one is not None), None)


class _Attribute(msgspec.Struct):
    key: str
    value: _Value = msgspec.field(default_factory=_Value)


class _Status(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Link(msgspec.Struct, rename="camel"):
    trace_id: str
    span_id: str


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str
    span_id: str
    name: str = ""
    parent_span_id: str = ""
    kind: int = 0
    start_time_unix_nano: str = "0"
    end_time_unix_nano: str = "0"
    attributes: list[_Attribute] = []
    links: list[_Link] = []
    status: _Status = msgspec.field(default_factory=_Status)


class _Scope(msgspec.Struct):
    spans: list[_Span] = []


class _Resource(msgspec.Struct):
    attributes: list[_Attribute] = []


class _OfResource(msgspec.Struct, rename="camel"):
    resource: _Resource = msgspec.field(default_factory=_Resource)
    scope_spans: list[_Scope] = []


class _Line(msgspec.Struct, rename="camel"):
    resource_spans: list[_OfResource] = []


T = TypeVar("T")

_decode = msgspec.json.Decoder(_Line).decode


class TracedSpan(msgspec.Struct, kw_only=True, frozen=True):
    """One span; times are nanoseconds since 1970."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: str
    begun_ns: int
    ended_ns: int
    attributes: dict[str, str | int | float | bool | None]
    linked: list[str]
    """Ids of the traces that it has links to."""
    failed: str | None
    """Why it failed; None where it did not."""


class Trace(msgspec.Struct, kw_only=True, frozen=True):
    """All that is known of one trace, in the order in which it began; a parent comes before its parts."""

    trace_id: str
    spans: list[TracedSpan]

    @property
    def begun_ns(self) -> int:
        """When the first span began."""
        return min(span.begun_ns for span in self.spans)

    @property
    def duration_ms(self) -> float:
        """From the first span's begin to the last one's end."""
        return (max(span.ended_ns for span in self.spans) - self.begun_ns) / _NS_PER_MS

    @property
    def record_ids(self) -> list[str]:
        """The ids of the records that it is about, each once: a caller may write several in a trace."""
        found = (span.attributes.get(RECORD_ID) for span in self.spans)
        return list(dict.fromkeys(str(one) for one in found if one))

    @property
    def is_batch(self) -> bool:
        """Whether it is of a batch, whose records have traces of their own."""
        return bool(self.spans[0].linked) and not self.spans[0].parent_id

    @property
    def services(self) -> list[str]:
        """The services that it passes, each once."""
        return list(dict.fromkeys(span.service for span in self.spans))

    def tree(self) -> list[tuple[int, TracedSpan]]:
        """Return each span with its depth; one whose parent is not known stands at the top."""
        known = {span.span_id for span in self.spans}
        parts: dict[str, list[TracedSpan]] = {}
        for span in self.spans:
            parts.setdefault(span.parent_id if span.parent_id in known else "", []).append(span)
        found: list[tuple[int, TracedSpan]] = []
        waiting = [(0, span) for span in reversed(parts.pop("", []))]
        while waiting:
            depth, span = waiting.pop()
            found.append((depth, span))
            waiting += [(depth + 1, part) for part in reversed(parts.pop(span.span_id, []))]
        return found


def older_file(path: Path) -> Path:
    """Return where the file that was full before *path* is."""
    return path.with_suffix(f".1{path.suffix}")


def read_traces(path: Path) -> list[Trace]:
    """Return the traces of the file at *path* and of the one before it, oldest first; a broken line is passed over."""
    spans: dict[str, dict[str, TracedSpan]] = {}
    for span in _all_spans((older_file(path), path)):
        spans.setdefault(span.trace_id, {})[span.span_id] = span
    traces = [
        Trace(trace_id=trace_id, spans=sorted(found.values(), key=lambda span: (span.begun_ns, -span.ended_ns)))
        for trace_id, found in spans.items()
    ]
    return sorted(traces, key=lambda trace: trace.begun_ns)


def find_traces(traces: Iterable[Trace], wanted: str) -> list[Trace]:
    """Return the traces whose id begins with *wanted*, or that are about the record with that id."""
    wanted = wanted.lower()
    return [trace for trace in traces if trace.trace_id.startswith(wanted) or wanted in trace.record_ids]


def _all_spans(files: Iterable[Path]) -> Iterator[TracedSpan]:
    for file in files:
        if not file.exists():
            continue
        for line in file.read_bytes().splitlines():
            try:
                found = _decode(line)
            except msgspec.MsgspecError:
                continue  # the last one may be half written
            for of_resource in found.resource_spans:
                service = str(_plain(of_resource.resource.attributes).get("service.name", ""))
                for scope in of_resource.scope_spans:
                    yield from (_traced(span, service) for span in scope.spans)


def _traced(span: _Span, service: str) -> TracedSpan:
    failed = span.status.code == _ERROR
    return TracedSpan(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_span_id,
        service=service,
        name=_shown(span.name),
        kind=_KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else "",
        begun_ns=int(span.start_time_unix_nano),
        ended_ns=int(span.end_time_unix_nano),
        attributes=_plain(span.attributes),
        linked=[link.trace_id for link in span.links],
        failed=_shown(span.status.message or "failed") if failed else None,
    )


def _plain(attributes: Iterable[_Attribute]) -> dict[str, str | int | float | bool | None]:
    return {_shown(one.key): _shown(one.value.value) for one in attributes}


def _shown(value: T) -> T | str:
    """Return *value* without what would move a terminal's cursor: whoever writes to a topic chooses its keys."""
    if isinstance(value, str) and not value.isprintable():
        return "".join(one if one.isprintable() else "\ufffd" for one in value)
    return value
