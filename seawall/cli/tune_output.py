"""A sweep's result on the console."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rich.markup import escape

from seawall.cli import ending
from seawall.report.compare_tables import comparison_tables
from seawall.report.figure_table import console_tables
from seawall.report.sweep_tables import sweep_tables
from seawall.report.tune_tables import NOTHING_SHOWN, effects
from seawall.result import Outcome, Result


def show(result: Result, directory: Path, style: str, *, as_json: bool) -> None:
    """Print tables, what each level did, and a closing sentence, or what `result.json` in *directory* holds."""
    tables = [*comparison_tables(result, style), *console_tables(sweep_tables(result), style)]
    ending.show(directory, tables, _lines(result, directory), as_json=as_json)


def _lines(result: Result, directory: Path) -> Iterator[str]:
    base = result.arms[0].name if result.arms else ""
    if base:
        yield f"Against {escape(base)}, at the same rate:"
    for sentence in effects(result):
        yield escape(sentence) if NOTHING_SHOWN in sentence else f"[bold]{escape(sentence)}[/]"
    color = "green" if result.outcome is Outcome.PASS else "red"
    for reason in result.reasons:
        yield f"[{color}]{escape(reason)}[/]"
    bad = sum(trial.outcome is not Outcome.PASS for trial in result.trials)
    records = sum(trial.audit.attempted for trial in result.trials)
    sentence = f"{records:,} records sent, each one accounted for, nothing lost."
    if result.outcome is not Outcome.PASS:
        sentence = f"{result.outcome.value}: {bad} of {len(result.trials)} trials did not come out clean."
    yield f"[{color}]{sentence}[/] Results: {os.path.relpath(directory)}"
