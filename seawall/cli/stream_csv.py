"""`stream csv`: a CSV file into the database, directly and through the log."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from seawall.cli.consoles import error_console
from seawall.cli.csv_progress import CsvProgress
from seawall.cli.interruption import interruptible
from seawall.cli.option_values import check_table_style, names, seconds
from seawall.cli.scenario_run import Scenario
from seawall.cli.shared_options import AsJson, Brokers, Database, DrainTimeout, Output, Seed, TableStyle
from seawall.experiments.stream_csv import CsvRun
from seawall.experiments.stream_csv_options import CsvOptions
from seawall.result import Result
from seawall.result.csv_import import CSV
from seawall.stack.stack import Stack

EXAMPLES = """[bold]Examples[/]

  bin/seawall stream csv                                   a sample of 200,000 rows, by both ways
  bin/seawall stream csv people.csv                        a file of yours: its header names name, age and more
  bin/seawall stream csv people.csv --ways direct          import it; again, and nothing is stored twice
  bin/seawall stream csv people.csv --ways kafka           the same through the log
  bin/seawall stream csv people.csv --encoding cp949 --delimiter semicolon
  bin/seawall stream csv people.csv --ways direct --anew   forget what was imported of it, and begin anew
  bin/seawall stream csv people.csv --database mariadb     into MariaDB, beside its own loader
  bin/seawall stream csv --rows 1000000 --json             the result for machines, on standard output

One way alone imports the file into the table csv_rows: it goes on where an earlier import was stopped. Several are a
comparison, each of which begins anew; the rows of the last one stay. They stay in a database that stays: that of
`bin/seawall up`, or of SEAWALL_DATABASE_URL. What cannot be stored is in the reject file of each way, with its lines
and why. Encodings: auto, utf-8, utf-16, cp949, euc-kr, latin-1; delimiters: auto, comma, semicolon, tab, pipe, or a
character. A file that is no such file is refused before anything starts. What is claimed: docs/scenarios.md.

Exit codes: 0 every row is where it belongs, and as fast as is claimed, 1 not so, 2 wrong usage, file or set-up, 3 not
proven, such as by too few rows, 4 ended early, 130 interrupted (what is imported stays, and can be gone on with)."""


def stream_csv(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The file; none makes a sample.", show_default=False)
    ] = None,
    *,
    rows: Annotated[int, typer.Option(help="Rows of the sample.")] = 200_000,
    ways: Annotated[str, typer.Option(help="How rows come into the table: direct, kafka.", metavar="LIST")] = (
        "direct,kafka"
    ),
    encoding: Annotated[str, typer.Option(help="How the file is written.", metavar="NAME")] = "auto",
    delimiter: Annotated[str, typer.Option(help="What separates its columns.", metavar="NAME")] = "auto",
    batch_rows: Annotated[int, typer.Option(help="Rows in a transaction.")] = 20_000,
    anew: Annotated[bool, typer.Option("--anew", help="Forget what was imported of the file before.")] = False,
    loader: Annotated[bool, typer.Option(help="Have the database's own loader take the same rows, too.")] = True,
    database: Database = "",
    brokers: Brokers = None,
    seed: Seed = 1,
    drain_timeout: DrainTimeout = "120s",
    output: Output = None,
    table_style: TableStyle = "rounded",
    as_json: AsJson = False,
) -> None:
    """Import a CSV file directly and through the log: how fast, in how much memory, and is every row in its place?

    Every good row is held against the table, every bad one against the reject file; on the stack that is up, or on one
    of its own.
    """
    options = CsvOptions(
        file=file,
        rows=rows,
        ways=names(ways),
        encoding=encoding,
        delimiter=delimiter,
        batch_rows=batch_rows,
        anew=anew,
        loader=loader,
        database=database,
        brokers=brokers,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout),
        seed=seed,
    )
    check_table_style(table_style)
    with interruptible():  # it looks at the file
        options.validate()
    stays = Stack.attach() is not None or bool(os.environ.get("SEAWALL_DATABASE_URL"))
    Scenario(
        name=CSV,
        stack=options.stack(),
        keep=True,
        further=lambda result: _how_to_go_on(result, options, stays=stays),
        output=output,
        table_style=table_style,
        as_json=as_json,
        counted=lambda result: f"{len(result.csv)} imports",
    ).carry_out(CsvProgress(error_console()), lambda stack, directory: CsvRun(options, stack, directory).run)


def _how_to_go_on(result: Result, options: CsvOptions, *, stays: bool) -> Iterator[str]:
    """Say, of a run that was interrupted, what is left of it and which command goes on."""
    if not result.interrupted or options.file is None:
        return
    left = [way for way in options.ways if way not in {one.arm for one in result.csv}]
    if not stays:
        yield "The stack was this run's own, and its rows are gone with it: `bin/seawall up` keeps one."
    elif left:
        command = f"bin/seawall stream csv {shlex.quote(str(options.file))} --ways {','.join(left)}"
        yield escape(f"What is imported stays; this goes on: {command}")
