"""Show how a stack starts: a line a server, and what is awaited where there is a terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape

from seawall.stack.events import Event

_MB = 10**6


class StackProgress:
    """Takes a stack's events; use it as a context around `Stack.up`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("starting") if console.is_terminal else None
        self._began = time.monotonic()
        self._awaited: list[str] = []
        self._quarter = 0

    def __enter__(self) -> Self:
        """Begin to show what is awaited."""
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Stop showing it."""
        if self._status:
            self._status.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if event.kind == "starting":
            self._awaited.append(event.service)
            if event.text:
                self._console.print(f"  {event.service:<12} {escape(event.text)}")
        elif event.kind == "ready":
            if event.service in self._awaited:
                self._awaited.remove(event.service)
            elapsed_s = time.monotonic() - self._began
            self._console.print(f"  {event.service:<12} [green]ready[/] after {elapsed_s:4.1f} s  {escape(event.text)}")
        elif event.kind == "progress":
            self._progress(event)
        if self._status and event.kind != "progress":
            self._status.update(f"waiting for {', '.join(self._awaited) or 'the last step'}")

    def _progress(self, event: Event) -> None:
        text = f"{event.service}: {event.done / _MB:.0f} of {event.total / _MB:.0f} MB"
        if self._status:
            self._status.update(text)
        elif (quarter := 4 * event.done // max(event.total, 1)) > self._quarter:
            self._quarter = quarter
            self._console.print(f"  {text}")
