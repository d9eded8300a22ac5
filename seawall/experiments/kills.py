"""What a sweep does beside the load of its trials: nothing, killing a sink twice, or changes of the sinks' group."""

from __future__ import annotations

import contextlib
import random
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from seawall.experiments.disturbances import Disturbances
from seawall.experiments.fault_injection import Injection
from seawall.experiments.trial import TrialPlan
from seawall.load.trial import Progress
from seawall.result import Trial
from seawall.stack.faults.fault import Field
from seawall.stack.faults.processes import Ended
from seawall.stack.faults.writing import KilledAtWriting
from seawall.stack.stack import Stack

SINK = "sink-1"
KILLS = 2
FIRST_AT, SECOND_AT = 0.3, 0.65
"""Shares of the time in which requests are sent; between them the sink comes back and catches up."""
_UNWRITTEN_S = 0.3
"""So long the lock stays after the kill, so that no write of the dead gets through."""


class Beside(AbstractContextManager["Beside"], Protocol):
    """What goes on beside the load; begins before it and is over before the drain."""

    def load_goes_on(self, progress: Progress) -> None:
        """Follow the load, a few times a second."""
        ...

    def told(self, trial: Trial) -> Trial:
        """Return the audited trial with what is to be told of it."""
        ...


BesideOf = Callable[[Stack, TrialPlan], Beside]


class Nothing(contextlib.AbstractContextManager["Nothing"]):
    """Nothing is done beside the load."""

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def load_goes_on(self, progress: Progress) -> None:
        """Do nothing."""

    def told(self, trial: Trial) -> Trial:
        """Add nothing."""
        return trial


class SinkKills(contextlib.ExitStack):
    """A sink dies twice: once as it comes, when it mostly waits for records, and once while its rows are not written.

    The first shows what is read again, the second what is lost where offsets went before their rows.
    """

    def __init__(self, stack: Stack, plan: TrialPlan) -> None:
        super().__init__()
        field = Field(stack, random.Random(plan.load.seed))
        lasts_s = plan.load.warmup_s + (plan.load.duration_s or 0.0)
        self._kills = [
            Injection(Ended(field, SINK, signal.SIGKILL), after_s=FIRST_AT * lasts_s, hold_s=0.0),
            Injection(KilledAtWriting(field, SINK), after_s=SECOND_AT * lasts_s, hold_s=_UNWRITTEN_S),
        ]
        for kill in self._kills:
            self.enter_context(kill)

    def load_goes_on(self, progress: Progress) -> None:
        """Notice the first answers, from which times count."""
        for kill in self._kills:
            kill.load_goes_on(progress)

    def told(self, trial: Trial) -> Trial:
        """Add nothing: the audit tells all."""
        return trial


def beside_of(kill: str, disturb: tuple[str, ...] = ()) -> BesideOf:
    """Return what is done beside the load: *kill* dies, ``sink`` or nobody, or the group changes as *disturb* says."""
    if kill == "sink":
        return SinkKills
    if disturb:
        return lambda stack, plan: Disturbances(stack, plan, disturb)
    return lambda _stack, _plan: Nothing()
