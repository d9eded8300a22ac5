"""`tune --plan`: several knobs at once, by a design."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rich.markup import escape

from seawall.cli import ending
from seawall.cli.consoles import error_console
from seawall.cli.ending import write_files
from seawall.cli.trial_progress import TrialProgress
from seawall.cli.tune_run import run_on_stacks
from seawall.experiments.compare import Comparison, StackOf
from seawall.experiments.errors import BadOptions
from seawall.experiments.factor_effects import with_effects
from seawall.experiments.kills import beside_of
from seawall.experiments.plan_options import PlanOptions
from seawall.report.effect_tables import cell_table, effect_sentences, effect_tables
from seawall.report.figure_table import console_tables
from seawall.report.sweep_tables import sweep_tables
from seawall.result import Outcome, Result
from seawall.targets.target import Targets
from seawall.tuning.errors import BadSettings
from seawall.tuning.plan import TuningPlan, read_plan


def plan_in(path: Path) -> TuningPlan:
    """Return the plan in the file at *path*; raises `BadOptions` with every mistake in it."""
    try:
        return read_plan(path)
    except BadSettings as error:
        raise BadOptions(error.mistakes) from None


def run_plan(
    options: PlanOptions, targets: Targets, output: Path | None, resume: Path | None, *, clean: bool
) -> tuple[Result, Path]:
    """Run all cells in all blocks, or those that *resume* lacks; return the result and its directory."""
    error_console().print(
        f"{len(options.signs)} cells, {options.blocks} times each: {options.trials} trials, about"
        f" {max(1, round(options.takes_s / 60))} min."
    )

    def run(stack_of: StackOf, directory: Path, earlier: Result | None, progress: TrialProgress) -> Result:
        changes = beside_of(options.kill, options.disturb)
        cells = Comparison(options, targets, stack_of, directory, lambda *_: [], changes, earlier)
        result = cells.run(progress, lambda result: write_files(with_effects(result, options), directory))
        return with_effects(result, options)

    return run_on_stacks(options, output, resume, run, clean=clean)


def show_plan(result: Result, directory: Path, style: str, *, as_json: bool) -> None:
    """Print cells, effects and a closing sentence, or what `result.json` in *directory* holds."""
    beside = console_tables(sweep_tables(result), style)
    tables = [cell_table(result, style), *effect_tables(result, style), *beside]
    ending.show(directory, tables, _lines(result, directory), as_json=as_json)


def _lines(result: Result, directory: Path) -> Iterator[str]:
    for shown, sentence in effect_sentences(result):
        yield f"[bold]{escape(sentence)}[/]" if shown else escape(sentence)
    color = "green" if result.outcome is Outcome.PASS else "red"
    for reason in result.reasons:
        yield f"[{color}]{escape(reason)}[/]"
    bad = sum(trial.outcome is not Outcome.PASS for trial in result.trials)
    records = sum(trial.audit.attempted for trial in result.trials)
    sentence = f"{records:,} records sent, each one accounted for, nothing lost."
    if result.outcome is not Outcome.PASS:
        sentence = f"{result.outcome.value}: {bad} of {len(result.trials)} trials did not come out clean."
    place = os.path.relpath(directory)
    yield f"[{color}]{sentence}[/] Results: {place}"
    if bad or result.interrupted:
        yield f"With the same options and --resume {place} what is missing or INVALID is run again."
