"""Adds and removes processes beside the load of a trial, as somebody decides, and notes what came of it."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from seawall.experiments.deciders import Decider
from seawall.load.trial import Progress
from seawall.stack.errors import Unreachable
from seawall.stack.fleet import Fleet
from seawall.stack.stack import Stack

_TICK_S, _LOOK_EVERY_S = 0.2, 1.0
_LAST_ASKED = 5


@dataclass(frozen=True)
class Look:
    """How things stood at a moment, monotonic."""

    at_ns: int
    wanted: int
    running: int
    lag: int | None
    """None where nobody answered."""


@dataclass
class Change:
    """Another number was decided on."""

    at_ns: int
    before: int
    after: int
    why: str
    settled_ns: int | None = None
    """When as many did their work; None where another change came first, or the end."""


class Scaler:
    """Asks a decider from so long after the first answers on; use as a context manager around the load."""

    def __init__(self, stack: Stack, fleet: Fleet, decider: Decider, *, after_s: float) -> None:
        self._stack, self._fleet, self._decider, self._after_s = stack, fleet, decider, after_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scaler", daemon=True)
        self.looks: list[Look] = []
        self.changes: list[Change] = []
        self.unknown: Counter[str] = Counter()
        """What could not be read, in words, and at how many decisions."""
        self._asked: deque[int] = deque(maxlen=_LAST_ASKED)
        self.error: Exception | None = None
        """What ended it before its time."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def load_goes_on(self, progress: Progress) -> None:
        """Notice the first answers."""
        if progress.answered and self._thread.ident is None:
            self._thread.start()

    def asked_in_the_end(self) -> int:
        """Return how many the metrics asked for at the last few decisions, the median; 0 where they said nothing."""
        return sorted(self._asked)[len(self._asked) // 2] if self._asked else 0

    def _run(self) -> None:
        try:
            if not self._over.wait(self._after_s):
                self._scale()
        except Exception as error:  # noqa: BLE001 - whatever it is, the load goes on, and the result says it
            self.error = error

    def _scale(self) -> None:
        begun_s = decides_s = looks_s = time.monotonic()
        while not self._over.wait(_TICK_S):
            now_s = time.monotonic()
            if now_s >= decides_s:
                self._decide(now_s - begun_s)
                decides_s = max(decides_s + self._decider.every_s, now_s)
            open_change = self.changes[-1] if self.changes else None
            if open_change is not None and open_change.settled_ns is None and self._fleet.is_settled():
                open_change.settled_ns = time.monotonic_ns()
            if now_s >= looks_s:
                self._look()
                looks_s = max(looks_s + _LOOK_EVERY_S, now_s)

    def _decide(self, at_s: float) -> None:
        current = len(self._fleet.wanted)
        decision = self._decider.decide(at_s, current)
        self.unknown.update(decision.unknown)
        if decision.asked is not None:
            self._asked.append(decision.asked)
        if decision.wanted != current:
            self.changes.append(Change(time.monotonic_ns(), current, decision.wanted, decision.why))
            self._fleet.scale_to(decision.wanted)

    def _look(self) -> None:
        lag = None
        try:
            lag = self._stack.lag()
        except Unreachable as error:
            self.unknown[str(error)] += 1
        self.looks.append(Look(time.monotonic_ns(), len(self._fleet.wanted), self._fleet.running(), lag))
