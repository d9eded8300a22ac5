"""The exit codes of every verb, in one place."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # every start of the command line needs the codes, few need results
    from seawall.result import Outcome


class Exit(IntEnum):
    """How a verb ended."""

    PASS = 0
    """Everything was done, and what was judged held."""

    FAIL = 1
    """A target was missed, or something was lost or is pending; of `status`: no stack runs."""

    SETUP = 2
    """Wrong usage, or something on this machine or a server is in the way; a message says what to do."""

    INCONCLUSIVE = 3
    """The interval of a figure straddles its limit: more trials or a longer run could tell."""

    INVALID = 4
    """The trial says nothing about the service: the instrument was the bottleneck, or the load was not offered."""

    INTERRUPTED = 130
    """Ctrl-C: what was started was stopped, what was measured was written."""


def exit_of(outcome: Outcome) -> Exit:
    """Return the code with which a verb ends whose verdict is *outcome*."""
    return Exit[outcome.name]
