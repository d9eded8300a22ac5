"""`peek`: what stands in a topic."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.text import Text

from contract.connections import Connections
from contract.registry import registry_of
from seawall.cli.consoles import output_console
from seawall.cli.exits import Exit
from seawall.cli.interruption import interruptible
from seawall.observe.records import Peek, PeekedRecord
from seawall.stack.errors import NotRunning
from seawall.stack.stack import Stack

EXAMPLES = """[bold]Examples[/]

  bin/seawall peek orders                   the last ten records of seawall.orders
  bin/seawall peek seawall.dead-letters     what can never be written, with the reasons
  bin/seawall peek users --last 3 --json    three, a line of JSON each
  bin/seawall peek users --first 5          the oldest five that are left
  bin/seawall peek orders --follow          the last ten, then each one that comes, until Ctrl-C
  bin/seawall peek orders --partition 2     of one partition alone

The log is that of the stack that is up, or the one that SEAWALL_KAFKA_BOOTSTRAP_SERVERS names. Nothing is committed, so
no consumer misses anything.

Exit codes: 0 done, or ended by Ctrl-C, 2 no such topic or partition, or no log."""

_NO_LOG = (
    "no stack with Kafka is up, so there is no topic to look into: start one with `bin/seawall up`, or name brokers by"
    " SEAWALL_KAFKA_BOOTSTRAP_SERVERS"
)
_DEFAULT = 10
_MOST = 100_000


def peek(
    topic: Annotated[str, typer.Argument(help="Its name; `seawall.` may be left out.", show_default=False)],
    *,
    last: Annotated[
        int | None,
        typer.Option(help=f"The newest N records.  \\[default: {_DEFAULT}]", min=0, max=_MOST, show_default=False),
    ] = None,
    first: Annotated[
        int | None, typer.Option(help="The oldest N records instead.", min=1, max=_MOST, show_default=False)
    ] = None,
    partition: Annotated[int | None, typer.Option(help="Of this partition alone.", min=0, show_default=False)] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Then show each record that comes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each record.")] = False,
) -> None:
    """Show records of a topic, decoded, with key, partition, offset and time."""
    if first is not None and (last is not None or follow):
        raise typer.BadParameter("goes neither with --last nor with --follow", param_hint="--first")
    connections = _connections()
    found = Peek(connections.kafka, topic, partition, registry_of(connections))
    show = _print_json if as_json else _print
    try:
        with interruptible():
            for record in found.first(first) if first is not None else found.last(_DEFAULT if last is None else last):
                show(record)
            if follow:
                for record in found.follow():
                    show(record)
    except KeyboardInterrupt:
        raise typer.Exit(Exit.PASS) from None  # that is how one ends it
    finally:
        found.close()


def _connections() -> Connections:
    stack = Stack.attach()
    connections = Connections.read() if stack is None else stack.connections
    if connections.kafka_bootstrap_servers is None:
        raise NotRunning(_NO_LOG)
    return connections


def _print_json(record: PeekedRecord) -> None:
    print(msgspec.json.encode(record).decode(), flush=True)


def _print(record: PeekedRecord) -> None:
    head = f"{record.partition}:{record.offset}  {record.time or 'no time'}  key {record.key or 'none'}"
    for name, value in record.headers.items():
        head += f"  {name}={value}"
    console = output_console()
    console.print(Text(head, style="bold"), soft_wrap=True)
    console.print(Text(f"  {_value(record)}"), soft_wrap=True)


def _value(record: PeekedRecord) -> str:
    if record.decoded:
        return msgspec.json.encode(record.value).decode()
    return "no value" if record.value is None else f"(no JSON) {record.value}"
