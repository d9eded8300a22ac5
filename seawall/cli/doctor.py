"""`doctor`: test everything that Seawall needs."""

from __future__ import annotations

import typer
from rich.markup import escape

from seawall.cli.consoles import error_console, output_console
from seawall.cli.exits import Exit
from seawall.stack.checks import CHECKS, Verdict

EXAMPLES = """[bold]Examples[/]

  bin/seawall doctor
  SEAWALL_DATABASE_URL=postgresql://me:secret@db:5432/test bin/seawall doctor    tests that server, too

Exit codes: 0 all is well, 2 something is in the way."""

_WORDS = {Verdict.OK: "[green]ok[/]    ", Verdict.WARNING: "[yellow]note[/]  ", Verdict.WRONG: "[red]wrong[/] "}


def doctor() -> None:
    """Test Python, Java, Kafka's jars, disk, limits and every server that the settings name, by real requests."""
    console = output_console()
    wrong = 0
    for check in CHECKS:
        with error_console().status(f"testing {check.name}"):
            findings = check.run()
        for finding in findings:
            wrong += finding.verdict is Verdict.WRONG
            console.print(f"{_WORDS[finding.verdict]} {check.name:<12} {escape(finding.text)}", soft_wrap=True)
    if wrong:
        console.print(f"{wrong} thing{'s are' if wrong > 1 else ' is'} in the way.")
        raise typer.Exit(Exit.SETUP)
