"""A run held against an earlier one: the table on the console, and the exit code that follows."""

from __future__ import annotations

from rich.markup import escape

from seawall.cli.consoles import output_console
from seawall.cli.exits import Exit, exit_of
from seawall.experiments.differences import differences, is_regression, obstacles, regression_outcome
from seawall.report.difference_table import difference_table
from seawall.report.errors import NotComparable
from seawall.result import Result


def check_comparable(base: Result, other: Result, *, anyway: bool) -> list[str]:
    """Return in what the runs differ beside what was measured; raises `NotComparable` unless *anyway*."""
    found = obstacles(base, other)
    if found and not anyway:
        raise NotComparable(found, "give --anyway to compare them all the same")
    return found


def held_against(base: Result, other: Result, name: str, *, anyway: bool) -> Exit:
    """Print what changed since *base*, which is called *name*, and return how that came out."""
    console = output_console()
    for line in check_comparable(base, other, anyway=anyway):
        console.print(f"[yellow]differs[/]: {escape(line)}")
    rows = list(differences(base, other))
    console.print(difference_table(rows, name))
    worse = [row for row in rows if is_regression(row)]
    for row in worse:
        cell = f"{row.count:,} {row.entity}" if row.count else "load"
        console.print(f"[red]worse[/]: {row.metric} of {row.arm}, {cell}: {row.ratio:.3g} times as much")
    if all(row.ci_low is None for row in rows):
        console.print("[yellow]Nothing can be told[/]: too few trials for any interval, four a side are the least.")
    elif not worse:
        by_chance = "" if len(rows) < _MANY else f" ({len(rows)} rows; by chance at most 1.5 % of them would)"
        console.print(f"[green]Nothing got worse by more than 5 %[/], as far as the intervals tell{by_chance}.")
    return exit_of(regression_outcome(rows))


_MANY = 20
