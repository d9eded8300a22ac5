"""A comparison's result on the console, and the exit code that follows from it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from seawall.cli.consoles import output_console
from seawall.cli.exits import Exit, exit_of
from seawall.report.compare_tables import comparison_tables
from seawall.report.verdicts import verdict_lines
from seawall.result import Outcome, Result


def show(result: Result, directory: Path, style: str, *, as_json: bool) -> None:
    """Print tables, verdicts and a closing sentence, or what `result.json` in *directory* holds."""
    console = output_console()
    if as_json:
        sys.stdout.write((directory / "result.json").read_text(encoding="utf-8"))
        return
    for table in comparison_tables(result, style):
        console.print(table)
        console.print()
    for line in verdict_lines(result):
        console.print(line)
    color = "green" if result.outcome is Outcome.PASS else "red"
    for reason in result.reasons:
        console.print(f"[{color}]{reason}[/]")
    for trial in result.trials:
        for name, ids in trial.examples.items():
            console.print(f"[red]{trial.name}[/]: {name}: {', '.join(ids)}")
    console.print(f"[{color}]{_sentence(result)}[/] Results: {os.path.relpath(directory)}")


def exit_code(result: Result, gate: str | None) -> Exit:
    """Return the code of the run, or of the arm that is the *gate*; anything lost is `Exit.FAIL` whatever the gate."""
    if result.outcome is Outcome.FAIL:
        return Exit.FAIL
    if result.interrupted:
        return Exit.INTERRUPTED
    return exit_of(result.outcome if gate is None else result.verdicts.get(gate, Outcome.INVALID))


def _sentence(result: Result) -> str:
    trials = len(result.trials)
    records = sum(trial.audit.attempted for trial in result.trials)
    if result.outcome is Outcome.PASS:
        return f"All {trials} trials valid; {records:,} records sent, each one accounted for, nothing lost."
    bad = sum(trial.outcome is not Outcome.PASS for trial in result.trials)
    return f"{result.outcome.value}: {bad} of {trials} trials did not come out clean."
