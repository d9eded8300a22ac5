"""What `trace` draws: a table of traces, and one of them as a waterfall."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from contract.spans import PROBLEM
from seawall.observe.trace_file import Trace, TracedSpan

_NS_PER_MS = 1e6
_WIDTH = 40
_COLOURS = ("cyan", "green", "magenta", "yellow", "blue")
_SHOWN = ("http.response.status_code", "messaging.batch.message_count", "db.operation.batch.size")
"""Attributes that are worth a place beside the bar, and what they are called there."""
_CALLED = dict(zip(_SHOWN, ("status", "records of the batch", "records of the batch"), strict=True))


def trace_list(traces: Sequence[Trace]) -> RenderableType:
    """Return a table of *traces*."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("trace", "began (UTC)", "ms", "spans", "services", "what", "record"):
        table.add_column(name, justify="right" if name in ("ms", "spans") else "left", no_wrap=name != "services")
    for trace in traces:
        first = trace.spans[0]
        table.add_row(
            trace.trace_id,
            _clock(trace.begun_ns),
            f"{trace.duration_ms:.1f}",
            str(len(trace.spans)),
            ", ".join(trace.services),
            Text(first.name, style="red" if any(span.failed for span in trace.spans) else ""),
            Text(", ".join(trace.record_ids[:2])),
        )
    return table


def waterfall(trace: Trace) -> RenderableType:
    """Return *trace* span by span, each with a bar where it lies in time."""
    head = Text(f"trace {trace.trace_id}, {_clock(trace.begun_ns)} UTC, {trace.duration_ms:.1f} ms", style="bold")
    for record_id in trace.record_ids:
        head.append(f"\nrecord {record_id}", style="not bold")
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("service", "span", "begins ms", "takes ms", "", "beside"):
        table.add_column(name, justify="right" if name.endswith("ms") else "left", no_wrap=name != "beside")
    colours = {service: _COLOURS[number % len(_COLOURS)] for number, service in enumerate(trace.services)}
    for depth, span in trace.tree():
        table.add_row(
            Text(span.service, style=colours[span.service]),
            Text("  " * depth + span.name, style="red" if span.failed else ""),
            f"{(span.begun_ns - trace.begun_ns) / _NS_PER_MS:.2f}",
            f"{(span.ended_ns - span.begun_ns) / _NS_PER_MS:.2f}",
            Text(_bar(trace, span), style=colours[span.service]),
            Text(_beside(span)),
        )
    return Group(head, table)


def _bar(trace: Trace, span: TracedSpan) -> str:
    whole_ns = max(trace.duration_ms * _NS_PER_MS, 1.0)
    begin = round((span.begun_ns - trace.begun_ns) / whole_ns * (_WIDTH - 1))
    length = max(1, round((span.ended_ns - span.begun_ns) / whole_ns * _WIDTH))
    return (" " * begin + "━" * length)[:_WIDTH].ljust(_WIDTH)


def _beside(span: TracedSpan) -> str:
    said = [f"{name} {span.attributes[key]}" for key, name in _CALLED.items() if key in span.attributes]
    return ", ".join([*said, str(span.attributes.get(PROBLEM, span.failed or ""))]).strip(", ")


def _clock(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / 1e9, UTC).strftime("%H:%M:%S.%f")[:-3]
