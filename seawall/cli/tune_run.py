"""What all kinds of `tune` share: a stack to run on, and a directory that may hold a run to go on with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seawall.cli.consoles import error_console
from seawall.cli.interruption import interruptible
from seawall.cli.results_directory import free_directory
from seawall.cli.trial_progress import TrialProgress
from seawall.cli.tune_stacks import Tuning, stacks_of
from seawall.experiments.compare import StackOf
from seawall.experiments.resumption import remove_others, resumable
from seawall.report.files import write_reports
from seawall.report.stored import stored_result
from seawall.result import Result

Run = Callable[[StackOf, Path, Result | None, TrialProgress], Result]
"""Measures on stacks into a directory; the third is what was measured there before, if anything was."""


def run_on_stacks(
    options: Tuning,
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
    with interruptible():
        directory = resume or free_directory(output, "tune")
        with (
            stacks_of(options, directory, clean=clean) as stack_of,
            TrialProgress(error_console()) as progress,
        ):
            if earlier is not None:
                remove_others(directory, earlier)
            result = run(stack_of, directory, earlier, progress)
        with error_console().status("Drawing the report"):
            write_reports(result, directory)
    return result, directory
