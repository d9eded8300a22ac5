"""`bench`: hold Seawall's own speed and exactness against peers and limits."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from seawall.cli.exits import Exit

EXAMPLES = """[bold]Examples[/]

  bin/seawall bench                     the list of benchmarks
  bin/seawall bench latency             are p50, p95 and p99 those that the server saw?
  bin/seawall bench coverage --json     the same as for the others: for machines
  bin/seawall bench recording --quick   a few seconds: shows that it works, too short to judge by
  bin/seawall bench latency -- --help   the options of one benchmark

Exit codes: 0 what was asked is reached, 1 it is not, 2 wrong usage or set-up."""

CONTEXT_SETTINGS = {"ignore_unknown_options": True}
"""Options that are not ours are the benchmark's."""


def bench(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME] [OPTIONS]", help="The benchmark and its options; none lists them.", show_default=False
        ),
    ] = None,
) -> None:
    """Run one of Seawall's benchmarks: each figure stands beside a peer or a limit from the same run.

    A benchmark judges the instrument and this machine, not a service. Run it while nothing else does.
    """
    with subprocess.Popen([sys.executable, "-P", "-m", "benchmarks", *(arguments or [])]) as process:
        try:
            code = process.wait()
        except KeyboardInterrupt:  # the terminal has told the benchmark, too; it stops what it started
            process.wait()
            raise
    if code < 0:
        raise typer.Exit(Exit.INTERRUPTED)
    raise typer.Exit(code)
