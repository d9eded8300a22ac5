"""`tune --search`: the best setting for a goal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.markup import escape

from seawall.cli import ending
from seawall.cli.consoles import error_console
from seawall.cli.ending import write_files
from seawall.cli.trial_progress import TrialProgress
from seawall.cli.tune_run import run_on_stacks
from seawall.experiments.compare import Comparison, StackOf
from seawall.experiments.search import Search
from seawall.experiments.search_options import RoundOptions, SearchOptions
from seawall.report.figure_table import console_tables
from seawall.report.search_tables import other_sentences, search_sentence, search_table
from seawall.report.sweep_tables import sweep_tables
from seawall.result import Outcome, Result
from seawall.targets.target import Targets
from seawall.tuning.kafka_settings import KafkaSettings
from seawall.tuning.settings_text import as_environment, as_toml

BEST, BEST_ENVIRONMENT = "best.toml", "best.env"


def run_search(
    options: SearchOptions, targets: Targets, output: Path | None, resume: Path | None, *, clean: bool
) -> tuple[Result, Path]:
    """Search, or go on with the search of *resume*; return the result and its directory, with what was found in it."""
    error_console().print(
        f"{len(options.candidates())} settings to begin with; about {max(1, round(options.takes_s / 60))} min."
    )

    def run(stack_of: StackOf, directory: Path, earlier: Result | None, progress: TrialProgress) -> Result:
        def measure(
            asked: RoundOptions, before: Result | None, write: Callable[[Result], None], *, warms_up: bool
        ) -> Result:
            trials = Comparison(
                asked,
                targets,
                stack_of,
                directory,
                lambda *_: [],
                earlier=before,
                warms_up=warms_up,
            )
            return trials.run(progress, write)

        return Search(options, measure, earlier).run(lambda result: write_files(result, directory))

    result, directory = run_on_stacks(options, output, resume, run, clean=clean)
    _write_best(result, directory)
    return result, directory


def show_search(result: Result, directory: Path, style: str, *, as_json: bool) -> None:
    """Print the way, what came out and a closing sentence, or what `result.json` in *directory* holds."""
    way = [search_table(result.search, style)] if result.search else []
    tables = [*way, *console_tables(sweep_tables(result), style)]
    ending.show(directory, tables, _lines(result, directory), as_json=as_json)


def _write_best(result: Result, directory: Path) -> None:
    """Write the better setting as a settings file and as variables for the files of `deploy/`; none where none is."""
    found = result.search
    for name in (BEST, BEST_ENVIRONMENT):
        (directory / name).unlink(missing_ok=True)
    if found is None or not found.better:
        return
    settings = KafkaSettings(about=search_sentence(found), **found.settings)
    (directory / BEST).write_text(as_toml(settings), encoding="utf-8")
    (directory / BEST_ENVIRONMENT).write_text(as_environment(settings), encoding="utf-8")


def _lines(result: Result, directory: Path) -> Iterator[str]:
    place = os.path.relpath(directory)
    if result.search is not None:
        sentence = escape(search_sentence(result.search))
        yield f"[bold]{sentence}[/]" if result.search.better else sentence
        yield from (f"Besides: {escape(one)}" for one in other_sentences(result))
        if result.search.better:
            yield f"bin/seawall up --settings {place}/{BEST} starts a stack with it; {BEST_ENVIRONMENT} is for deploy/."
    color = "green" if result.outcome is Outcome.PASS else "red"
    for reason in result.reasons:
        yield f"[{color}]{escape(reason)}[/]"
    bad = sum(trial.outcome is not Outcome.PASS for trial in result.trials)
    records = sum(trial.audit.attempted for trial in result.trials)
    sentence = f"{records:,} records sent, each one accounted for, nothing lost."
    if result.outcome is not Outcome.PASS:
        sentence = f"{result.outcome.value}: {bad} of {len(result.trials)} trials did not come out clean."
    yield f"[{color}]{sentence}[/] Results: {place}"
    if bad or result.interrupted:
        yield f"With the same options and --resume {place} what is missing or INVALID is run again."
