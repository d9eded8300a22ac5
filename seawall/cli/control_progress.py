"""Show how far the controls are."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape

from seawall.experiments.controls import Control
from seawall.load.trial import Progress
from seawall.report.verdicts import COLORS
from seawall.result import ControlFinding


class ControlProgress:
    """Shows controls as they run: what goes on where there is a terminal, a line a control everywhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("") if console.is_terminal else None
        self._title = ""

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Stop showing."""
        if self._status:
            self._status.stop()

    def control_starts(self, control: Control, number: int, total: int) -> None:
        """Show what is planted; *number* counts from 1."""
        self._title = f"{number}/{total} {control.name}"
        if self._status:
            self._status.update(f"{self._title}: {escape(control.planted)}")

    def control_goes_on(self, progress: Progress) -> None:
        """Show how many requests were answered."""
        if self._status:
            self._status.update(f"{self._title}: {progress.name}, {progress.answered:,} answered")

    def control_ended(self, finding: ControlFinding) -> None:
        """Print what was found."""
        color = COLORS[finding.outcome]
        self._console.print(
            f"  {self._title:<20} [{color}]{finding.outcome.value}[/] after {finding.seconds:4.1f} s "
            f" {escape(finding.found)}",
            soft_wrap=True,
        )
