"""How an experiment ends: its result on the console, or as JSON, and its exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import RenderableType
from rich.table import Table

from seawall.cli.consoles import output_console
from seawall.cli.exits import Exit, exit_of
from seawall.report.summary_csv import write_summary
from seawall.report.verdicts import COLORS
from seawall.result import Outcome, Result, write_result


def write_files(result: Result, directory: Path) -> None:
    """Write the result so far, for machines."""
    write_result(result, directory / "result.json")
    write_summary(result, directory / "summary.csv")


def show(directory: Path, tables: Iterable[Table], lines: Iterable[RenderableType], *, as_json: bool) -> None:
    """Print *tables* with room between them, and *lines* below, or the JSON file of the result."""
    if as_json:
        sys.stdout.write((directory / "result.json").read_text(encoding="utf-8"))
        return
    console = output_console()
    for table in tables:
        console.print(table)
        console.print()
    for line in lines:
        console.print(line)


def outcome_text(result: Result) -> str:
    """Return the outcome in its colour."""
    return f"[{COLORS[result.outcome]}]{result.outcome.value}[/]"


def leave(result: Result) -> NoReturn:
    """End the verb; what failed has failed, although it was interrupted."""
    if result.outcome is Outcome.FAIL:
        raise typer.Exit(Exit.FAIL)
    raise typer.Exit(Exit.INTERRUPTED if result.interrupted else exit_of(result.outcome))
