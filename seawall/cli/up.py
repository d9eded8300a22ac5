"""`up`: start the stack and leave it running."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from seawall.cli.consoles import error_console, output_console
from seawall.cli.stack_progress import StackProgress
from seawall.stack.errors import OtherStackRunning
from seawall.stack.options import StackOptions
from seawall.stack.stack import OWNER_UP, Stack
from seawall.stack.state import StackState

EXAMPLES = """[bold]Examples[/]

  bin/seawall up                          one broker, one sink
  bin/seawall up --brokers 3 --sinks 3    three brokers (replication 3, two must have a write), three sinks
  bin/seawall up --no-kafka               without the log: the direct write paths only
  bin/seawall up --api-port 8000          the API on a port of your choice

Servers of your own take the place of ours: SEAWALL_DATABASE_URL, SEAWALL_CACHE_URL,
SEAWALL_KAFKA_BOOTSTRAP_SERVERS, SEAWALL_API_URL, in the environment or in .env.

Exit codes: 0 the stack is up, 2 it cannot be started (nothing is left running), 130 interrupted (the same)."""


def up(
    *,
    brokers: Annotated[int, typer.Option(help="Kafka brokers: 1 or 3.")] = 1,
    partitions: Annotated[int, typer.Option(help="Partitions of each topic.")] = 3,
    sinks: Annotated[int, typer.Option(help="Sink workers, which move records from the log to the table.")] = 1,
    kafka: Annotated[bool, typer.Option("--kafka/--no-kafka", help="With or without Kafka and sinks.")] = True,
    api_port: Annotated[int | None, typer.Option(help="Port of the API.  [default: a free one]")] = None,
) -> None:
    """Start PostgreSQL, Valkey, Kafka, the API and its sinks, and leave them running until `down`."""
    options = StackOptions(brokers=brokers, partitions=partitions, sinks=sinks, kafka=kafka, api_port=api_port)
    options = options.checked()
    running = Stack.attach()
    if running is not None:
        _agree(options, running.state)
        output_console().print("The stack is up already.")
        print_addresses(running.state)
        return
    console = error_console()
    console.print("Starting the stack")
    with StackProgress(console) as progress:
        stack = Stack.up(options, progress, owner=OWNER_UP)
    print_addresses(stack.state)


def print_addresses(state: StackState) -> None:
    """Print where everything is and what to do next."""
    environment = state.environment
    lines = [("API", f"{state.api_url}/docs" if state.api_url else "")]
    lines.append(("PostgreSQL", _quoted("psql ", environment.get("SEAWALL_DATABASE_URL"))))
    lines.append(("Valkey", environment.get("SEAWALL_CACHE_URL", "")))
    lines.append(("Kafka", environment.get("SEAWALL_KAFKA_BOOTSTRAP_SERVERS", "")))
    lines.append(("logs", state.logs_dir))
    lines.append(("load it", "bin/seawall compare --quick, or .venv/bin/locust -f locustfiles/ingest.py"))
    lines.append(("stop it", "bin/seawall down"))
    for name, text in lines:
        if text:
            output_console().print(f"  {name:<12} {escape(text)}", soft_wrap=True)


def _quoted(prefix: str, url: str | None) -> str:
    return f"{prefix}'{url}'" if url else ""


def _agree(wanted: StackOptions, state: StackState) -> None:
    has = state.options
    differences = [
        f"{name} {getattr(has, name)} instead of {getattr(wanted, name)}"
        for name in ("kafka", "brokers", "partitions", "sinks", "api_port")
        if getattr(has, name) != getattr(wanted, name) and not (name == "api_port" and wanted.api_port is None)
    ]
    if differences:
        raise OtherStackRunning(f"a stack runs already, with {', '.join(differences)}; stop it first: bin/seawall down")
