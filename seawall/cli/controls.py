"""`controls`: the instrument proves that it detects what it claims to detect."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from seawall.cli.consoles import error_console, output_console
from seawall.cli.control_progress import ControlProgress
from seawall.cli.ending import show, write_files
from seawall.cli.exits import Exit, exit_of
from seawall.cli.interruption import interruptible
from seawall.cli.option_values import check_table_style, names
from seawall.cli.results_directory import free_directory, keep_server_logs, make_directory
from seawall.cli.shared_options import Database
from seawall.cli.stack_progress import StackProgress
from seawall.experiments.control_bench import HONEST, FaultFiles
from seawall.experiments.controls import CATALOGUE, Controls, chosen, refuse_foreign_servers
from seawall.report.control_tables import catalogue_table, findings_table
from seawall.report.files import write_reports
from seawall.report.table_styles import TABLE_STYLES
from seawall.result import Outcome, Result
from seawall.stack.stack import Stack

EXAMPLES = """[bold]Examples[/]

  bin/seawall controls                          all of them, about 3 minutes
  bin/seawall controls --list                   what each plants, and how it has to come out
  bin/seawall controls --only drop-sync,alter   two of them
  bin/seawall controls --database mariadb       with MariaDB in PostgreSQL's place
  bin/seawall controls --json                   the result for machines, on standard output

Exit codes: 0 each came out as it must, 1 one did not, 2 wrong usage or set-up (a stack is up already, or settings
name servers of your own), 4 a fault did not bite, so nothing was there to be found, 130 interrupted (what was found
is written)."""


def controls(
    *,
    only: Annotated[
        str,
        typer.Option(
            help="The controls to run, in the catalogue's order.  \\[default: all]", metavar="LIST", show_default=False
        ),
    ] = "",
    listing: Annotated[bool, typer.Option("--list", help="Show the controls and run none.")] = False,
    database: Database = "",
    seed: Annotated[int, typer.Option(help="Seed of contents and of the users' phases.")] = 1,
    output: Annotated[Path | None, typer.Option(help="Directory of the results.", show_default=False)] = None,
    table_style: Annotated[str, typer.Option(help=f"Look of the table: {', '.join(TABLE_STYLES)}.")] = "rounded",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON instead of a table.")] = False,
) -> None:
    """Run Seawall against services that misbehave on purpose, and print which of them it caught.

    Real servers on a stack of their own, real load, and one planted fault at a time; docs/controls.md says what each
    control proves and what it cannot.
    """
    check_table_style(table_style)
    wanted = chosen(names(only))
    if listing:
        output_console().print(
            catalogue_table(((one.name, one.planted, one.expected) for one in CATALOGUE), table_style)
        )
        raise typer.Exit(Exit.PASS)
    refuse_foreign_servers()
    with interruptible():
        directory = free_directory(output, "controls")
        files = FaultFiles(directory / "faults", database)
        with StackProgress("Starting a stack whose API and sink misbehave on purpose") as progress:
            stack = Stack.up(files.options().checked(), progress, owner="controls")
        try:
            make_directory(directory)
            files.plant(HONEST)
            with ControlProgress(error_console()) as watcher:
                result = Controls(wanted, stack, files, directory, seed).run(
                    watcher, lambda r: write_files(r, directory)
                )
        finally:
            keep_server_logs(stack, directory)
            stack.down()
        write_reports(result, directory)
    show(directory, [findings_table(result, table_style)], _lines(result, directory), as_json=as_json)
    raise typer.Exit(Exit.INTERRUPTED if result.interrupted else exit_of(result.outcome))


def _lines(result: Result, directory: Path) -> Iterator[str]:
    for reason in result.reasons:
        yield f"[red]{escape(reason)}[/]"
    right = sum(finding.outcome is Outcome.PASS for finding in result.controls)
    color = "green" if result.outcome is Outcome.PASS else "red"
    yield (
        f"[{color}]{result.outcome.value}: {right} of {len(result.controls)} controls came out as they must.[/]"
        f" Results: {os.path.relpath(directory)}"
    )
