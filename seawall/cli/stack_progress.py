"""Show how a stack starts: a line a server, and what is awaited where there is a terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from seawall.stack.events import Event

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

_MB = 10**6


class StackProgress:
    """Takes a stack's events and shows them below *title*; use it as a context around `Stack.up`.

    What draws them is loaded at the first event: the supervisor is loading, too, then, and need not wait for it.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._console: Console | None = None
        self._status: Status | None = None
        self._began = time.monotonic()
        self._awaited: list[str] = []
        self._quarter = 0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Stop showing it."""
        if self._status:
            self._status.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        from rich.markup import escape  # noqa: PLC0415 - see above

        console = self._console or self._open()
        if event.kind == "starting":
            self._awaited.append(event.service)
            if event.text:
                console.print(f"  {event.service:<12} {escape(event.text)}")
        elif event.kind == "ready":
            if event.service in self._awaited:
                self._awaited.remove(event.service)
            elapsed_s = time.monotonic() - self._began
            console.print(f"  {event.service:<12} [green]ready[/] after {elapsed_s:4.1f} s  {escape(event.text)}")
        elif event.kind == "progress":
            self._progress(console, event)
        if self._status and event.kind not in ("progress", "step"):
            self._status.update(f"waiting for {', '.join(self._awaited) or 'the last step'}")

    def _open(self) -> Console:
        from seawall.cli.consoles import error_console  # noqa: PLC0415 - see above

        self._console = console = error_console()
        console.print(self._title)
        if console.is_terminal:
            self._status = console.status("starting")
            self._status.start()
        return console

    def _progress(self, console: Console, event: Event) -> None:
        text = f"{event.service}: {event.done / _MB:.0f} of {event.total / _MB:.0f} MB"
        if self._status:
            self._status.update(text)
        elif (quarter := 4 * event.done // max(event.total, 1)) > self._quarter:
            self._quarter = quarter
            console.print(f"  {text}")
