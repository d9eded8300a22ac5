"""Carries a scenario out: its stack, its progress, its files, and what is said in the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from rich.markup import escape
from rich.table import Table

from seawall.cli.consoles import error_console
from seawall.cli.ending import leave, outcome_text, show, write_files
from seawall.cli.experiment_place import experiment_place
from seawall.cli.interruption import interruptible
from seawall.cli.results_directory import free_directory
from seawall.report.answer import answer_of
from seawall.report.figure_table import console_tables
from seawall.report.files import write_reports
from seawall.report.scenarios import scenario_tables
from seawall.result import Result
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

Shown = TypeVar("Shown")
Run = Callable[[Shown, Callable[[Result], None]], Result]
"""Runs a scenario with something that shows how far it is, and something that writes the result so far."""


def _tables(result: Result, style: str) -> Iterable[Table]:
    return console_tables(scenario_tables(result), style)


def _nothing(_: Result) -> Iterable[str]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A scenario as its command asks for it; *asked*, *clean* and *keep* are those of `experiment_place`."""

    name: str
    """The experiment, such as ``stream-cache``."""
    stack: StackOptions
    asked: bool = False
    clean: bool = False
    keep: bool = False
    output: Path | None
    table_style: str
    as_json: bool
    counted: Callable[[Result], str]
    """How much of it there is, such as "3 trials"."""
    tables: Callable[[Result, str], Iterable[Table]] = _tables
    further: Callable[[Result], Iterable[str]] = _nothing
    """What is said below all, with markup."""

    def carry_out(
        self, progress: AbstractContextManager[Shown], run_of: Callable[[Stack, Path], Run[Shown]]
    ) -> NoReturn:
        """Run it, write and show what came out, and end the verb; *run_of* has the stack and the place of results."""
        with interruptible():
            directory = free_directory(self.output, self.name)
            with (
                experiment_place(
                    self.stack, self.name, directory, asked=self.asked, clean=self.clean, keep=self.keep
                ) as stack,
                progress as shown,
            ):
                result = run_of(stack, directory)(shown, lambda so_far: write_files(so_far, directory))
        with error_console().status("Drawing the report"):
            write_reports(result, directory)
        lines = [*self._lines(result, os.path.relpath(directory)), *self.further(result)]
        show(directory, self.tables(result, self.table_style), lines, as_json=self.as_json)
        leave(result)

    def _lines(self, result: Result, directory: str) -> Iterable[str]:
        answer = answer_of(result)
        yield from map(escape, [f"{answer.word}. {answer.sentence}", *answer.from_which_load, *answer.doubts])
        yield f"{outcome_text(result)}: {self.counted(result)}. Results: {escape(directory)}"
