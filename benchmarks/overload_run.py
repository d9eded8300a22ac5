"""What `benchmarks.overload` needs: the highest load that a path carries, and twice as much for a while."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks.errors import ProcessFailed
from contract.entities import ENTITIES
from seawall.audit.ledger import Ledger, read_ledger
from seawall.audit.membership import among
from seawall.audit.rows import row_reader
from seawall.experiments.fault_figures import fault_figures
from seawall.experiments.load_process import LoadProcess
from seawall.load.trial import Progress, TrialDone, TrialLoad
from seawall.stack.stack import Stack

LATE_MS = 200.0
"""The shipped target for writes."""
_MOST_FAILED = 0.001
_STEP = 1.3
_TIMES_MORE = 6
_LEAST_PER_S, _MOST_PER_S = 30.0, 20_000.0
_FEWEST_USERS, _MOST_USERS = 50, 4_000
_GRACE_S = 1.0
_SETTLES_NS = 3_000_000_000
_EVER_MS = 3.6e6
_DRAIN_S = 60.0
_WARM_UP_RECORDS, _WARM_UP_CLIENTS = 30_000, 50
"""Of each generator. A broker's virtual machine compiles for as long, and that would be most of a part of a core."""


@dataclass(frozen=True)
class Times:
    """How long each part takes, s."""

    step_s: float
    """Of the search."""
    before_s: float
    """Half the load, before the rest comes on top."""
    pressed_s: float
    """Twice the load."""
    after_s: float
    """Half the load again."""

    @property
    def all_s(self) -> float:
        """From the first request to the last."""
        return self.before_s + self.pressed_s + self.after_s


@dataclass(frozen=True)
class Pressed:
    """What became of twice the load."""

    offered_per_s: float
    served_per_s: float
    """In time, of what was due while it was offered."""
    recovery_s: float | None
    """None where it was not over when the run ended."""
    refused_p50_ms: float | None
    refused_p99_ms: float | None
    bytes_before: int
    settled_bytes: int
    """A few seconds after the surge began: its connections are there, and queues as long as they may be."""
    most_bytes: int
    """Memory of the API, from then until the surge ended."""
    start_lag_p99_ms: float
    lost: int
    """Records that were acknowledged, and are in no table once the log is drained."""


class Overload:
    """One path on one stack, with a generator for the steady half and one for what comes on top."""

    def __init__(
        self,
        stack: Stack,
        steady: LoadProcess,
        surge: LoadProcess,
        directory: Path,
        path: str,
        seed: int,
        times: Times,
    ) -> None:
        self._stack, self._steady, self._surge = stack, steady, surge
        self._directory, self._path, self._seed, self._times = directory, path, seed, times
        self._number = count(1)

    def warm_up(self) -> None:
        """Have everything loaded and compiled; best on a whole core."""
        for generator in (self._steady, self._surge):
            generator.run(self._trial("warm-up", users=_WARM_UP_CLIENTS, count=_WARM_UP_RECORDS), _ignore)

    def carried(self, start_per_s: float) -> float:
        """Return the highest load that is carried, to a seventh; raises `ProcessFailed` where next to nothing is."""
        while not self._carries(start_per_s):
            start_per_s /= 2
            if start_per_s < _LEAST_PER_S:
                raise ProcessFailed(f"{self._path} does not even carry {2 * start_per_s:.0f} requests a second")
        held, rate_per_s = start_per_s, start_per_s * _STEP
        while rate_per_s < _MOST_PER_S and self._carries(rate_per_s):
            held, rate_per_s = rate_per_s, rate_per_s * _STEP
        between = math.sqrt(held * rate_per_s)
        return between if self._carries(between) else held

    def judged(self, start_per_s: float) -> tuple[float, Pressed]:
        """Return what is carried, and what became of twice that.

        A search ends where the machine stalls in the wrong moment. Where more is served in time of twice what it found,
        that is what is carried, and twice as much is offered: else "80 % of it" would be easy.
        """
        carried_per_s = self.carried(start_per_s)
        pressed = self.press(carried_per_s)
        for _ in range(_TIMES_MORE):
            if pressed.served_per_s <= carried_per_s:
                break
            carried_per_s = pressed.served_per_s
            pressed = self.press(carried_per_s)
        return carried_per_s, pressed

    def press(self, carried_per_s: float) -> Pressed:
        """Offer half of what is carried, for a while twice as much as is carried, and half again."""
        self._fresh()
        times = self._times
        steady = self._load("steady", carried_per_s / 2, times.all_s, grace_s=_GRACE_S)
        surge = self._load("surge", 1.5 * carried_per_s, times.pressed_s, grace_s=_GRACE_S)
        came: list[TrialDone] = []
        memory: list[tuple[int, int]] = []
        thread = threading.Thread(target=lambda: came.append(self._surge.run(surge, _ignore)), name="surge")
        begun_s: float | None = None

        def watch(progress: Progress) -> None:
            nonlocal begun_s
            if begun_s is None and progress.answered:
                begun_s = time.monotonic()
            if begun_s is not None and thread.ident is None and time.monotonic() >= begun_s + times.before_s:
                thread.start()
            memory.append((time.monotonic_ns(), self._stack.resources()["api"].rss_bytes))

        done = self._steady.run(steady, watch)
        if thread.ident is not None:
            thread.join()
        if not came:
            raise ProcessFailed(f"{self._path}: what was to come on top did not; see the log of the surge's generator")
        return self._pressed(done, came[0], memory)

    def _pressed(self, steady: TrialDone, surge: TrialDone, memory: list[tuple[int, int]]) -> Pressed:
        half, top = (read_ledger(Path(done.ledger)) for done in (steady, surge))
        begin_ns, end_ns = surge.start_ns, surge.end_ns
        seconds = (end_ns - begin_ns) / 1e9
        due = [_due_within(ledger, begin_ns, end_ns) for ledger in (half, top)]
        served = sum(int((here & _in_time(ledger)).sum()) for ledger, here in zip((half, top), due, strict=True))
        lag_ms = np.concatenate([ledger.generator_lag_ns for ledger in (half, top)]) / 1e6
        pressed = [used for at_ns, used in memory if begin_ns <= at_ns < end_ns] or [memory[-1][1]]
        settled = [used for at_ns, used in memory if begin_ns + _SETTLES_NS <= at_ns < end_ns] or pressed
        figures = fault_figures(
            half,
            half.answered_ns,  # when it is visible is not asked here
            begin_ns=begin_ns,
            end_ns=end_ns,
            last_due_ns=steady.end_ns,
            limits_ms=(LATE_MS, _EVER_MS),
        )
        return Pressed(
            offered_per_s=surge.planned / seconds + steady.planned / self._times.all_s,
            served_per_s=served / seconds,
            recovery_s=figures.recover_s,
            refused_p50_ms=figures.refused_p50_ms,
            refused_p99_ms=figures.refused_p99_ms,
            bytes_before=max((used for at_ns, used in memory if at_ns < begin_ns), default=0),
            settled_bytes=settled[0],
            most_bytes=max(settled),
            start_lag_p99_ms=float(np.quantile(lag_ms, 0.99)),
            lost=sum(map(self._lost, (half, top))),
        )

    def _carries(self, rate_per_s: float) -> bool:
        """Tell whether a load is carried; tried again where it is not, as a stall of the machine proves nothing."""
        return self._holds(rate_per_s) or self._holds(rate_per_s)

    def _holds(self, rate_per_s: float) -> bool:
        self._fresh()
        done = self._steady.run(self._load("step", rate_per_s, self._times.step_s, grace_s=_GRACE_S), _ignore)
        waiting = self._stack.lag() if self._path == "kafka" else 0
        ledger = read_ledger(Path(done.ledger))
        unsent = done.planned - done.sent
        # those of the first third wait for connections, all of which are opened then
        judged = ledger.intended_ns >= done.start_ns + self._times.step_s / 3 * 1e9
        planned = int(judged.sum()) + unsent
        in_time = int((_in_time(ledger) & judged).sum()) / planned
        failed = (int((~ledger.succeeded & judged).sum()) + unsent) / planned
        return in_time >= 0.95 and failed <= _MOST_FAILED and waiting < rate_per_s  # noqa: PLR2004 - p95

    def _lost(self, ledger: Ledger) -> int:
        self._drain()
        reader = row_reader(self._stack.connections)
        try:
            return sum(
                int((~among(ledger.low[mine], np.sort(reader.rows(entity, ledger.run).low))).sum())
                for entity in ENTITIES.values()
                if (mine := ledger.accepted & (ledger.entity == entity.number)).any()
            )
        finally:
            reader.close()

    def _fresh(self) -> None:
        self._drain()
        self._stack.fresh()

    def _drain(self) -> None:
        due_s = time.monotonic() + _DRAIN_S
        while self._path == "kafka" and self._stack.lag():
            if time.monotonic() > due_s:
                raise ProcessFailed(f"the log was not drained within {_DRAIN_S:g} s")
            time.sleep(0.1)

    def _load(self, name: str, rate_per_s: float, duration_s: float, *, grace_s: float) -> TrialLoad:
        users = min(max(_FEWEST_USERS, round(rate_per_s)), _MOST_USERS)
        return self._trial(name, users=users, rate_per_s=rate_per_s / users, duration_s=duration_s, grace_s=grace_s)

    def _trial(self, name: str, **rest: object) -> TrialLoad:
        return TrialLoad(
            name=f"{self._path}-{name}-{next(self._number)}",
            path=self._path,
            entity="mixed",
            seed=self._seed,
            directory=str(self._directory),
            partitions=self._stack.state.partitions,
            **rest,  # type: ignore[arg-type]  # fields of a trial's load
        )


def _due_within(ledger: Ledger, begin_ns: int, end_ns: int) -> np.ndarray:
    return (ledger.intended_ns >= begin_ns) & (ledger.intended_ns < end_ns)


def _in_time(ledger: Ledger) -> np.ndarray:
    return ledger.succeeded & (ledger.answered_ns - ledger.intended_ns <= LATE_MS * 1e6)


def _ignore(_: Progress) -> None:
    """See nothing."""
