"""What all kinds of `tune` share: a stack to run on, and a directory that may hold a run to go on with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seawall.cli.consoles import error_console
from seawall.cli.experiment_place import experiment_place
from seawall.cli.interruption import interruptible
from seawall.cli.results_directory import free_directory
from seawall.cli.trial_progress import TrialProgress
from seawall.experiments.plan_options import PlanOptions
from seawall.experiments.resumption import remove_others, resumable
from seawall.experiments.search_options import SearchOptions
from seawall.experiments.tune_options import TuneOptions
from seawall.report.files import write_reports
from seawall.report.stored import stored_result
from seawall.result import Result
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

Run = Callable[[Stack, Path, Result | None, TrialProgress], Result]
"""Measures on a stack into a directory; the third is what was measured there before, if anything was."""


def run_on_a_stack(
    options: TuneOptions | PlanOptions | SearchOptions,
    output: Path | None,
    resume: Path | None,
    run: Run,
    *,
    clean: bool,
) -> tuple[Result, Path]:
    """Run on the stack that is up or on one for the time being; return the result and its directory, with reports.

    Raises `BadOptions` where *resume* holds another run than that of *options*.
    """
    earlier = None if resume is None else resumable(stored_result(resume), options, resume)
    stack_options = StackOptions(
        brokers=options.brokers or 1,
        sinks=options.sinks or 1,
        api_processes=options.api_processes or 1,
        registry=options.needs_registry,
    )
    asked = any(number is not None for number in (options.brokers, options.sinks, options.api_processes))
    with interruptible():
        directory = resume or free_directory(output, "tune")
        with (
            experiment_place(stack_options, "tune", directory, asked=asked, clean=clean) as stack,
            TrialProgress(error_console()) as progress,
        ):
            if earlier is not None:
                remove_others(directory, earlier)
            result = run(stack, directory, earlier, progress)
        with error_console().status("Drawing the report"):
            write_reports(result, directory)
    return result, directory
