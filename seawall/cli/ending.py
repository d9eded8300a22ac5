"""How an experiment ends: its result on the console, or as JSON, and its exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from seawall.cli.consoles import output_console
from seawall.cli.exits import Exit, exit_of
from seawall.report.advice_words import HEADING, suggestions
from seawall.report.stored import stored_result
from seawall.report.summary_csv import write_summary
from seawall.report.verdicts import COLORS
from seawall.result import Outcome, Result, write_result


def write_files(result: Result, directory: Path) -> None:
    """Write the result so far, for machines."""
    write_result(result, directory / "result.json")
    write_summary(result, directory / "summary.csv")


def show(directory: Path, tables: Iterable[Table], lines: Iterable[RenderableType], *, as_json: bool) -> None:
    """Print *tables* with room between them, and *lines* below, or the JSON file of the result.

    What the result there suggests stands between them.
    """
    if as_json:
        sys.stdout.write((directory / "result.json").read_text(encoding="utf-8"))
        return
    console = output_console()
    for table in tables:
        console.print(table)
        console.print()
    for one in _advice(directory):
        console.print(one, soft_wrap=True)
    for line in lines:
        console.print(line)


def _advice(directory: Path) -> Iterator[str]:
    """Yield what the stored result suggests, with its heading and an empty line below."""
    found = list(suggestions(stored_result(directory)))
    if found:
        yield f"[bold]{HEADING}[/]"
    for one in found:
        yield f"  [bold]{escape(one.about)}[/]: {escape(one.says)} {escape(one.advice)}"
        yield from (f"[dim]      {escape(line)}[/]" for line in one.details.splitlines())
    if found:
        yield ""


def outcome_text(result: Result) -> str:
    """Return the outcome in its colour."""
    return f"[{COLORS[result.outcome]}]{result.outcome.value}[/]"


def leave(result: Result) -> NoReturn:
    """End the verb; what failed has failed, although it was interrupted."""
    if result.outcome is Outcome.FAIL:
        raise typer.Exit(Exit.FAIL)
    raise typer.Exit(Exit.INTERRUPTED if result.interrupted else exit_of(result.outcome))
