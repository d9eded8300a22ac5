"""Networks that are cut, silent or slow, between a client and all processes of a server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from seawall.stack.errors import Unreachable
from seawall.stack.faults.fault import Field
from seawall.stack.links import SERVICE, disturbed, mend
from seawall.stack.links_process import Command, LinkState
from seawall.stack.state import StackState

SLOW_S = 0.2


class Disturbed:
    """A link that does not do what it should."""

    def __init__(self, field: Field, command: Command, count: Callable[[LinkState], int], words: str) -> None:
        """*count* tells what the link did to those who use it, *words* says it of so many."""
        self._data = Path(field.stack.state.data_dir)
        self._command, self._count, self._words = command, count, words
        self._held = contextlib.ExitStack()
        self._before = 0

    def begin(self) -> None:
        """Disturb the link."""
        # counted before: what breaks connections does so at once
        self._before = self._count(mend(self._data, self._command.link))
        self._held.enter_context(disturbed(self._data, self._command))

    def end(self) -> None:
        """Mend it."""
        self._held.close()

    def bite(self) -> str:
        """Say how often it did something."""
        try:
            times = self._count(mend(self._data, self._command.link)) - self._before
        except Unreachable:
            return ""
        return f"{self._command.link}: {self._words.format(times)}" if times > 0 else ""


def cut(link: str) -> Callable[[Field], Disturbed]:
    """Return what cuts a link."""
    return lambda field: Disturbed(
        field, Command(link=link, cut=True), lambda state: state.broken, "{:,} connections broken"
    )


def silence(link: str) -> Callable[[Field], Disturbed]:
    """Return what has a link hand nothing on, and close nothing."""
    return lambda field: Disturbed(
        field, Command(link=link, silent=True), lambda state: state.withheld, "what came {:,} times had to wait"
    )


def slow(link: str) -> Callable[[Field], Disturbed]:
    """Return what has a link be late."""
    return lambda field: Disturbed(
        field, Command(link=link, delay_s=SLOW_S), lambda state: state.delayed_bytes, "{:,} bytes handed on late"
    )


def no_link(link: str) -> Callable[[StackState], str]:
    """Return what says that a stack has no such link."""

    def obstacle(state: StackState) -> str:
        there = state.services.get(SERVICE)
        if there is not None and link in there.address.split(", "):
            return ""
        return f"nothing stands between {' and '.join(link.split('-'))} in this run"

    return obstacle
