"""`watch`: the running stack, live in the terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer
from rich.live import Live

from seawall.cli.consoles import output_console
from seawall.cli.exits import Exit
from seawall.cli.interruption import interruptible
from seawall.cli.moment_table import moment_table
from seawall.observe.moment import Moment, moment
from seawall.observe.readings import Reader
from seawall.observe.remote import RemoteReader, prometheus_url
from seawall.stack.errors import NotRunning
from seawall.stack.stack import Stack

EXAMPLES = """[bold]Examples[/]

  bin/seawall watch                 every second, until Ctrl-C
  bin/seawall watch --interval 5    every five seconds
  bin/seawall watch --once          one look, over a second
  bin/seawall watch --json          a line of JSON a second, for machines
  bin/seawall watch --once --json   one of them

What it shows comes from /metrics of API and sinks (docs/metrics.md), PostgreSQL's statistics views and Valkey;
Locust's figures are there while it runs on a stack that was started by up --observe. A stack elsewhere is shown as the
Prometheus knows it that SEAWALL_PROMETHEUS_URL names, with processors, memory and disks of the containers and volumes
of SEAWALL_PROMETHEUS_NAMESPACE (seawall); choose an --interval of twice its scrapes or more.

Exit codes: 0 it was ended by Ctrl-C, or has looked once, 2 no stack is up, it was stopped meanwhile, or the Prometheus
does not answer."""

_NO_STACK = "no stack is up, so there is nothing to watch: start one with `bin/seawall up`"
_GONE = "the stack was stopped; start another with `bin/seawall up`"


def watch(
    *,
    interval: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.2, max=3600)] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each look.")] = False,
) -> None:
    """Show rates, errors, latencies, lag, cache content and the database's work of the running stack, live."""
    reader = _reader()
    try:
        with interruptible():
            moments = _moments(reader, interval)
            if as_json:
                _print(moments, once=once)
            elif once:
                output_console().print(moment_table(next(moments)))
            else:
                _show(moments)
    except KeyboardInterrupt:
        raise typer.Exit(Exit.PASS) from None  # that is how one ends it
    finally:
        reader.close()


def _reader() -> Reader | RemoteReader:
    """Return what looks at the stack that is up, or at the one that a Prometheus of the user's reads."""
    url = prometheus_url()
    if url is not None:
        return RemoteReader(url)
    stack = Stack.attach()
    if stack is None:
        raise NotRunning(_NO_STACK)
    return Reader(stack)


def _moments(reader: Reader | RemoteReader, interval_s: float) -> Iterator[Moment]:
    """Yield what happened since the last look, for ever; raises `NotRunning` once the stack is gone."""
    before, due_s = reader.read(), time.monotonic()
    while True:
        due_s = max(due_s + interval_s, time.monotonic())
        time.sleep(max(0.0, due_s - time.monotonic()))
        if isinstance(reader, Reader) and Stack.attach() is None:
            raise NotRunning(_GONE)
        after = reader.read()
        yield moment(before, after)
        before = after


def _print(moments: Iterator[Moment], *, once: bool) -> None:
    for found in moments:
        print(msgspec.json.encode(found).decode(), flush=True)
        if once:
            return


def _show(moments: Iterator[Moment]) -> None:
    console = output_console()
    if not console.is_terminal:
        for found in moments:
            console.print(moment_table(found))
        return
    with Live(console=console, auto_refresh=False, transient=False) as live:
        for found in moments:
            live.update(moment_table(found), refresh=True)
