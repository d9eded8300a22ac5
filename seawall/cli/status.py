"""`status`: show what runs, and where."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
import typer
from rich import box
from rich.table import Table

from seawall.cli.consoles import output_console
from seawall.cli.exits import Exit
from seawall.stack.state import ServiceState, StackState, is_alive, read_state

EXAMPLES = """[bold]Examples[/]

  bin/seawall status           a table of the services
  bin/seawall status --json    the same for machines, with the keys of every server

Exit codes: 0 a stack is up, 1 none is."""


def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the state as JSON, passwords included.")] = False,
) -> None:
    """Show the services of the stack with process, address, version, uptime and restarts."""
    state = read_state()
    if as_json:
        print("null" if state is None else msgspec.json.format(msgspec.json.encode(state), indent=2).decode())
    elif state is None:
        output_console().print("No stack is running; start one with bin/seawall up.")
    else:
        output_console().print(_table(state))
    raise typer.Exit(Exit.FAIL if state is None else Exit.PASS)


def _table(state: StackState) -> Table:
    table = Table(title=f"run {state.run}, started by {state.owner}", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("service", "state", "process", "address", "version", "up for", "restarts"):
        right = name in ("process", "up for", "restarts")
        table.add_column(name, justify="right" if right else "left", no_wrap=name in ("service", "address"))
    for name, service in state.services.items():
        up_for = f"{time.time() - service.started:.0f} s" if service.started else ""
        pid = "external" if service.external else str(service.pid or "")
        table.add_row(name, _state(service), pid, service.address, service.version, up_for, str(service.restarts or ""))
    shown = [f"{name} at {service.metrics_url}" for name, service in state.services.items() if service.metrics_url]
    table.caption = f"metrics: {', '.join(shown)}" if shown else None
    table.caption_justify = "left"
    return table


def _state(service: ServiceState) -> str:
    if service.external:
        return "external"
    runs = service.pid is not None and service.started is not None and is_alive(service.pid, service.started)
    return "[green]up[/]" if runs else "[red]gone[/]"
