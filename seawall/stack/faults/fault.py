"""What a fault is."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from seawall.stack.fleet import Fleet
from seawall.stack.stack import Stack
from seawall.stack.state import StackState

EVERY_PATH = frozenset({"sync", "grouped", "kafka"})
BY_DATABASE = frozenset({"sync", "grouped"})
BY_LOG = frozenset({"kafka"})
NO_PATH: frozenset[str] = frozenset()
_POLL_S = 0.01


@dataclass(frozen=True)
class Field:
    """Where a fault is made: a running stack, and what decides where there is a choice."""

    stack: Stack
    random: random.Random
    fleets: Mapping[str, Fleet] = field(default_factory=dict)
    """Of services of which there are more than are wanted, by their kind."""


class Disturbance(Protocol):
    """One fault, once."""

    def begin(self) -> None:
        """Make it, and return once it is there."""
        ...

    def end(self) -> None:
        """Put everything back as it was; also where `begin` failed half-way."""
        ...

    def bite(self) -> str:
        """Return in words what shows that it had effect, after its end; empty where nothing does."""
        ...


@dataclass(frozen=True)
class Fault:
    """A kind of fault."""

    name: str
    does: str
    """What happens, for people."""
    make: Callable[[Field], Disturbance]
    touches: frozenset[str]
    """Write paths whose requests may fail or be late meanwhile; on all others none may."""
    heals_within_s: float
    """After its end the service has to be as it was within so long a time."""
    hides_references: bool = False
    """Whether an order that names what no cache knows may be refused meanwhile, on whichever path."""
    under_load: bool = False
    """Whether all of it has to happen while the load runs: that is what it is about."""
    obstacle: Callable[[StackState], str] = lambda _: ""
    """Why it cannot be made on a stack; empty where it can."""
    database: str = ""
    """The kind of database that it is about, where it is about one kind."""


class NoEffect(Exception):
    """A fault that could not be made."""


def wait_until(holds: Callable[[], bool], within_s: float) -> bool:
    """Wait until something *holds*; tell whether it came to that in time."""
    deadline_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(_POLL_S)
    return True
