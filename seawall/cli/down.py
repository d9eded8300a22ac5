"""`down`: stop the stack."""

from __future__ import annotations

from seawall.cli.consoles import error_console, output_console
from seawall.stack.stack import stop_whatever_runs

EXAMPLES = """[bold]Examples[/]

  bin/seawall down     stop all servers and remove their data; logs are kept in .seawall/logs

Exit codes: 0 nothing runs (any more), 2 it could not be stopped."""


def down() -> None:
    """Stop the stack and remove its data; where none runs, do nothing."""
    console = error_console()
    with console.status("stopping the stack"):
        stopped = stop_whatever_runs()
    output_console().print("The stack is stopped." if stopped else "No stack is running.")
