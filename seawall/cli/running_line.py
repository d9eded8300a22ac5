"""One line on a terminal that says what runs just now; elsewhere nothing."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from seawall.load.trial import Progress as LoadProgress


class RunningLine:
    """Shows one thing after the other; what came of each is printed above. Use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._what = ""
        self._line = Progress(
            SpinnerColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin to show."""
        self._line.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the line away."""
        self._line.stop()

    def _begins(self, what: str) -> None:
        """Show *what* runs from now on."""
        self._what = what
        if self._task is None:
            self._task = self._line.add_task("")
        self._line.update(self._task, description=what)

    def _goes_on(self, progress: LoadProgress) -> None:
        """Show how many requests were answered."""
        failed = f", {progress.failed:,} failed" if progress.failed else ""
        self._says(f"{progress.answered:,} answered{failed}")

    def _says(self, text: str) -> None:
        """Show *text* behind what runs."""
        if self._task is not None:
            self._line.update(self._task, description=f"{self._what}: {text}")
