"""A comparison's result on the console, and the exit code that follows from it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rich.markup import escape

from seawall.cli import ending
from seawall.cli.exits import Exit, exit_of
from seawall.report.compare_tables import comparison_tables
from seawall.report.verdicts import verdict_lines
from seawall.result import Outcome, Result


def show(result: Result, directory: Path, style: str, *, as_json: bool) -> None:
    """Print tables, verdicts and a closing sentence, or what `result.json` in *directory* holds."""
    ending.show(directory, comparison_tables(result, style), _lines(result, directory), as_json=as_json)


def _lines(result: Result, directory: Path) -> Iterator[str]:
    yield from verdict_lines(result)
    color = "green" if result.outcome is Outcome.PASS else "red"
    for reason in result.reasons:
        yield f"[{color}]{escape(reason)}[/]"
    for trial in result.trials:
        for name, ids in trial.examples.items():
            yield f"[red]{trial.name}[/]: {name}: {escape(', '.join(ids))}"
    yield f"[{color}]{_sentence(result)}[/] Results: {os.path.relpath(directory)}"


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
