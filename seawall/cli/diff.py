"""`diff`: two runs held against each other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from seawall.cli.exits import exit_of
from seawall.cli.regression import check_comparable, held_against
from seawall.experiments.differences import differences, is_regression, regression_outcome
from seawall.report.stored import stored_result
from seawall.report.summary_markdown import difference_markdown

EXAMPLES = """[bold]Examples[/]

  bin/seawall diff results/before results/after            what changed, with intervals
  bin/seawall diff results/before results/after --anyway   even where machine, settings or load differ
  bin/seawall diff results/before results/after --markdown    for a comment on a change (docs/ci.md)

Exit codes: 0 nothing got worse, 1 something did (more than 5 %, and more than chance explains), 2 the runs cannot be
compared, 3 too few trials for any interval, 4 no cell is in both."""


def diff(
    base: Annotated[Path, typer.Argument(help="The directory of the earlier run.")],
    other: Annotated[Path, typer.Argument(help="The directory of the later run.")],
    *,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Go on where machine, settings, durability or load differ.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table in Markdown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Compare two runs of the same experiment: how many times larger each figure became, with its interval."""
    before, after = stored_result(base), stored_result(other)
    if not (markdown or as_json):
        raise typer.Exit(held_against(before, after, str(base), anyway=anyway))
    differing = check_comparable(before, after, anyway=anyway)
    rows = list(differences(before, after))
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(rows), indent=1).decode() + "\n")
    else:
        sys.stdout.write(difference_markdown(rows, list(filter(is_regression, rows)), str(base), differing))
    raise typer.Exit(exit_of(regression_outcome(rows)))
