"""What keeps the traces of a stack: a process of its own (`seawall.observe.trace_receiver`), never imported.

Where the environment names a collector, traces go there instead.
"""

from __future__ import annotations

import os
from pathlib import Path

from seawall.stack.options import StackOptions
from seawall.stack.places import ROOT
from seawall.stack.ports import HOST
from seawall.stack.service import OwnService, held_program, make_directories, plain_environment, status_of

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_MODULE = "seawall.observe.trace_receiver"
_LAST = 19
_SENT_EVERY_MS = "500"


class TraceReceiver(OwnService):
    """Keeps spans in a file below the stack's data, which goes with them."""

    name = kind = "traces"
    niceness = _LAST
    stop_within_s = 5.0
    ready_within_s = 60.0
    held = True

    def __init__(self, *, port: int, directory: Path) -> None:
        self.port: int | None = port
        self.address = f"http://{HOST}:{port}"
        self._directory = directory

    def prepare(self) -> None:
        """Create its directories."""
        make_directories(self._directory, self._directory / "tmp")

    def command(self) -> list[str]:
        """Return the command line."""
        kept = traces_path(self._directory.parent)
        return [*held_program(_MODULE), "--port", str(self.port), "--file", str(kept)]

    def environment(self) -> dict[str, str]:
        """Return a plain environment that finds our modules."""
        return {**plain_environment(self._directory / "tmp"), "PYTHONPATH": str(ROOT)}

    def answer(self) -> str:
        """Return nothing, once it answers; raises `NotReady`."""
        status_of(self.port, "/")
        return ""


def traces_path(data: Path) -> Path:
    """Return the file of the traces, below a stack's *data*."""
    return data / "traces" / "traces.jsonl"


def given_collector() -> str:
    """Return the address of the collector that our environment names; empty where it names none."""
    return os.environ.get(_TRACES_ENDPOINT) or os.environ.get(ENDPOINT, "")


def trace_variables(options: StackOptions, collector: str) -> dict[str, str]:
    """Return the variables that make API and sinks send their traces to *collector*, or send none.

    A variable of the user's own shell turns nothing on by itself: figures would hold the cost of it.
    """
    if options.trace is None:
        return {"OTEL_SDK_DISABLED": "true"}
    wanted = {"SEAWALL_TRACE_SHARE": str(options.trace), "OTEL_SDK_DISABLED": "false", "OTEL_TRACES_EXPORTER": "otlp"}
    if given_collector():
        return wanted
    ours = {ENDPOINT: collector, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    return {**wanted, **ours, "OTEL_BSP_SCHEDULE_DELAY": _SENT_EVERY_MS}
