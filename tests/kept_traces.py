"""A receiver of traces of its own, and what it kept, for the tests of all that sends some."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
from service_processes import eventually, free_port, running

from seawall.observe.trace_file import Trace, TracedSpan, read_traces

SPAN_ID = "00f067aa0ba902b7"
_numbers = itertools.count(1)


def new_parent(*, sampled: bool = True) -> tuple[str, str]:
    """Return the id of a trace that no test has begun before, and the `traceparent` of a caller who has."""
    trace_id = f"{os.getpid():016x}{next(_numbers):016x}"
    return trace_id, f"00-{trace_id}-{SPAN_ID}-{sampled:02x}"


class Kept(NamedTuple):
    """A receiver that runs, and its file."""

    url: str
    file: Path

    @property
    def settings(self) -> dict[str, str]:
        """Return the variables by which a process sends its traces here, soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}

    def traces(self) -> list[Trace]:
        """Return what is there by now."""
        return read_traces(self.file)

    def of_trace(self, trace_id: str) -> list[TracedSpan]:
        """Return the spans of a trace, as far as they have come."""
        return next((trace.spans for trace in self.traces() if trace.trace_id == trace_id), [])

    def of_record(self, record_id: object) -> Trace | None:
        """Return the trace of a record, as far as it has come."""
        return next((trace for trace in self.traces() if str(record_id) in trace.record_ids), None)


@contextlib.contextmanager
def running_receiver(directory: Path) -> Iterator[Kept]:
    """Yield a receiver that answers; it ends with exit code 0."""
    port, file = free_port(), directory / "traces.jsonl"
    kept = Kept(f"http://127.0.0.1:{port}", file)
    log = directory / "receiver.log"
    arguments = ("--port", str(port), "--file", str(file))
    with running("seawall.observe.trace_receiver", {**os.environ}, log, arguments=arguments) as process:

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(kept.url, timeout=20).is_success
            return False

        eventually(answers)
        yield kept
    assert process.returncode == 0
