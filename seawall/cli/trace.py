"""`trace`: the way of one record, from the client to the commit of its row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from seawall.cli.consoles import output_console
from seawall.cli.waterfall import trace_list, waterfall
from seawall.observe.errors import NoTraces
from seawall.observe.trace_file import Trace, find_traces, read_traces
from seawall.stack.errors import NotRunning
from seawall.stack.stack import Stack
from seawall.stack.trace_receiver import traces_path

EXAMPLES = """[bold]Examples[/]

  bin/seawall up --trace 1%           first: one request of a hundred is traced, and those whose callers ask for it
  bin/seawall trace                   the newest traces, a line each
  bin/seawall trace --slowest 5       the five that took longest
  bin/seawall trace 4bf92f35          one of them, stage by stage; the beginning of its id is enough
  bin/seawall trace 0199a3c4-...      that of a record, by the record's id
  bin/seawall trace 4bf92f35 --json   the same for machines

docs/tracing.md says how Locust begins traces, and how they go to a collector of your own.

Exit codes: 0 done, 2 no such trace, or none is kept."""

_DEFAULT = 20
_NONE_KEPT = "no stack that keeps traces is up: start one by `bin/seawall up --trace 1%`"
_NONE_YET = (
    "there is no trace yet: they come half a second after the request; `bin/seawall up --trace 100%` has each traced,"
    " `locust --trace-share 0.01` one request of a hundred"
)


def trace(
    wanted: Annotated[
        str, typer.Argument(metavar="[ID]", help="A trace's id or its beginning, or a record's id.", show_default=False)
    ] = "",
    *,
    last: Annotated[int, typer.Option(help="Without an ID: the newest N.", min=1)] = _DEFAULT,
    slowest: Annotated[
        int | None, typer.Option(help="Without an ID: the N that took longest.", min=1, show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each trace.")] = False,
) -> None:
    """Draw the way of one record through client, API, Kafka, sink and database; without an ID list what there is."""
    traces = read_traces(_file())
    if not traces:
        raise NoTraces(_NONE_YET)
    if not wanted:
        traces = [one for one in traces if not one.is_batch]
    if wanted:
        traces = _meant(traces, wanted)
    elif slowest is not None:
        traces = sorted(traces, key=lambda one: -one.duration_ms)[:slowest]
    else:
        traces = traces[-last:]
    if as_json:
        for one in traces:
            print(msgspec.json.encode(one).decode())
    else:
        output_console().print(waterfall(traces[0]) if wanted else trace_list(traces))


def _meant(traces: list[Trace], wanted: str) -> list[Trace]:
    """Return the one that is *wanted*; of several that are about the same record the first. Raises `NoTraces`."""
    found = find_traces(traces, wanted)
    if not found:
        raise NoTraces(f"no trace has the id {wanted!r}, nor a record of that id: `bin/seawall trace` lists the newest")
    if len(found) > 1 and wanted.lower() not in found[0].record_ids:
        ids = ", ".join(one.trace_id for one in found[:3])
        raise NoTraces(f"{len(found)} traces begin with {wanted!r}: give more of the id, of {ids} say")
    return found[:1]


def _file() -> Path:
    stack = Stack.attach()
    if stack is None:
        raise NotRunning(_NONE_KEPT)
    try:
        state = stack.state
    finally:
        stack.close()
    if "traces" not in state.services:
        kept = f"the traces of this stack go to {state.trace_url}: look there" if state.trace_url else _NONE_KEPT
        raise NoTraces(kept)
    return traces_path(Path(state.data_dir))
