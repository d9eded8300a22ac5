"""What the supervisor tells whoever started it, one JSON line each, and what it is told first."""

from __future__ import annotations

from typing import Literal

import msgspec

from seawall.stack.options import StackOptions

EventKind = Literal["progress", "starting", "step", "ready", "up", "failed", "stopping", "stopped"]
"""A ``step`` is what has to be done to a service, and is."""

DETACH = b"detach\n"
"""Said on the supervisor's standard input: the end of that input no longer means that the owner is gone."""


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step of the stack; *done* of *total* bytes where the kind is ``progress``, *text* says the rest."""

    kind: EventKind
    service: str = ""
    text: str = ""
    done: int = 0
    total: int = 0


class Request(msgspec.Struct, frozen=True):
    """The first line that a supervisor reads."""

    options: StackOptions
    owner: str
    run: str
    logs_dir: str
