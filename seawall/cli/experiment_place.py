"""Where an experiment runs and writes: stacks, and a directory that is made once the first of them is up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seawall.cli.earlier_rows import settle_rows
from seawall.cli.results_directory import keep_server_logs, make_directory
from seawall.cli.running_stack import own_stack, stack_for
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack


@contextmanager
def experiment_place(
    wanted: StackOptions, verb: str, directory: Path, *, asked: bool, clean: bool, keep: bool = False, logs: str = ""
) -> Iterator[Stack]:
    """Give the stack for *verb*, whose rows are settled and whose logs go to *directory* in the end.

    *asked*, *clean* and *keep* are as for `stack_for` and `settle_rows`, *logs* names the logs as `keep_server_logs`.
    """
    with stack_for(wanted, verb, asked=asked) as stack:
        settle_rows(stack, clean=clean, keep=keep)
        make_directory(directory)
        try:
            yield stack
        finally:
            keep_server_logs(stack, directory, logs)


class OwnStacks:
    """Starts a stack for each part of an experiment, and stops it when that part ends."""

    def __init__(self, verb: str, directory: Path, *, clean: bool, keep: bool = False) -> None:
        self._verb, self._directory, self._clean, self._keep = verb, directory, clean, keep
        self._settled = False

    @contextmanager
    def __call__(self, wanted: StackOptions, part: str) -> Iterator[Stack]:
        """Give a stack like *wanted*; logs go to a directory named after the *part*, unless it is the only one."""
        with own_stack(wanted, self._verb, until=f"part {part!r}" if part else "") as stack:
            if not self._settled:  # a database that is not ours may hold rows; later ones are of this run
                settle_rows(stack, clean=self._clean, keep=self._keep)
                make_directory(self._directory)
                self._settled = True
            try:
                yield stack
            finally:
                keep_server_logs(stack, self._directory, part.replace(",", "").replace(" ", "-"))
