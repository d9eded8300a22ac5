"""Sinks that join, leave and die beside the load of a trial, and for how long partitions were nobody's by it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Self

import msgspec

from contract.journal import Commit, read_journal
from seawall.audit.fates import read_partitions, read_visible_ns
from seawall.audit.ledger import read_ledger
from seawall.experiments.fault_injection import Injection
from seawall.experiments.stop_figures import Disturbed, stop_figures
from seawall.experiments.trial import TrialPlan
from seawall.load.trial import Progress
from seawall.result import Outcome, Trial
from seawall.stack.fleet import Fleet
from seawall.stack.stack import Stack

JOIN, LEAVE, KILL = "join", "leave", "kill"
KINDS = (JOIN, LEAVE, KILL)
EACH_S = 10.0
"""At least so much of a trial for each: a session of six seconds has to run out in it, and the rest be read."""
QUIET_S = 2.0
"""Before the first one, of the judged time; how the group is when nothing happens to it."""
SAME_TIMES: dict[str, bool | int | float | str] = {
    "group.consumer.session.timeout.ms": 6_000,
    "group.consumer.min.session.timeout.ms": 6_000,
    "group.consumer.heartbeat.interval.ms": 500,
    "group.consumer.min.heartbeat.interval.ms": 500,
}
"""Settings of brokers that give members of the new protocol the sinks' own times, since there the broker has them."""
_SETTLED_S = 60.0
_FOREVER_NS = 2**62


def sinks_for(pattern: tuple[str, ...]) -> int:
    """Return how many sinks a *pattern* needs at least: one is left to read at any time."""
    return 1 + max(_courses(pattern)) - min(_courses(pattern))


def first_running(pattern: tuple[str, ...], sinks: int) -> int:
    """Return how many of the *sinks* run when a trial begins, so that whoever joins was away."""
    return sinks - max(_courses(pattern))


def _courses(pattern: tuple[str, ...]) -> list[int]:
    """Return by how many sinks there are more than in the beginning, at first and after each change."""
    return list(accumulate((1 if what == JOIN else -1 for what in pattern), initial=0))


class _Step:
    """One change of the group; what it did stays until the trial's end."""

    def __init__(self, fleet: Fleet, what: str) -> None:
        self._fleet, self.what = fleet, what
        self.sink = ""

    def begin(self) -> None:
        """Start the lowest sink that is away, or end the highest that runs."""
        wanted = self._fleet.wanted
        if self.what == JOIN:
            self.sink = next(name for name in self._fleet.names if name not in wanted)
            self._fleet.start(self.sink)
            return
        self.sink = wanted[-1]
        if self.what == LEAVE:
            self._fleet.stop(self.sink)
        else:
            self._fleet.kill(self.sink)

    def end(self) -> None:
        """Leave it as it is."""

    def bite(self) -> str:
        """Name the sink."""
        return self.sink


class Disturbances(contextlib.ExitStack):
    """Makes a pattern of changes of the sinks' group, one after the other; in the end all sinks run again."""

    def __init__(self, stack: Stack, plan: TrialPlan, pattern: tuple[str, ...]) -> None:
        super().__init__()
        self._stack, self._plan, self._pattern = stack, plan, pattern
        self._steps: list[_Step] = []
        self._injections: list[Injection] = []
        self._journals: dict[Path, int] = {}

    def __enter__(self) -> Self:
        """Have as many sinks away as will join; raises `NotSettled`."""
        super().__enter__()
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise
        return self

    def _prepare(self) -> None:
        load = self._plan.load
        fleet = self.enter_context(Fleet(self._stack, "sink"))
        fleet.scale_to(first_running(self._pattern, len(fleet.names)))
        fleet.await_settled(_SETTLED_S)
        each_s = (load.duration_s - QUIET_S) / len(self._pattern)
        for number, what in enumerate(self._pattern):
            step = _Step(fleet, what)
            injection = Injection(step, after_s=load.warmup_s + QUIET_S + number * each_s, hold_s=0.0)
            self._steps.append(step)
            self._injections.append(self.enter_context(injection))
        directory = Path(self._stack.state.journal_dir)
        self._journals = {path: path.stat().st_size for path in directory.glob("*.jsonl")}

    def load_goes_on(self, progress: Progress) -> None:
        """Notice the first answers, from which times count."""
        for injection in self._injections:
            injection.load_goes_on(progress)

    def told(self, trial: Trial) -> Trial:
        """Return the trial with what each change came to; INVALID says so where one could not be made."""
        ledger_path = Path(self._plan.load.directory) / f"{trial.name}.parquet"
        visible_ns, partition = read_visible_ns(ledger_path), read_partitions(ledger_path)
        errors = [str(one.error) for one in self._injections if one.error is not None]
        if visible_ns is None or partition is None or trial.schedule_start_ns is None:
            return trial
        trial = msgspec.structs.replace(
            trial,
            rebalances=stop_figures(
                read_ledger(ledger_path),
                visible_ns,
                partition,
                list(self._parts(trial)),
                start_ns=trial.schedule_start_ns,
                repeats=list(self._repeats()),
            ),
        )
        return unmade(trial, errors, made=len(trial.rebalances) - 1, asked=len(self._pattern))

    def _parts(self, trial: Trial) -> Iterator[Disturbed]:
        judged_ns = (trial.schedule_start_ns or 0) + int(trial.warmup_s * 1e9)
        made = [
            (step.what, step.sink, injection.begun_ns)
            for step, injection in zip(self._steps, self._injections, strict=True)
            if injection.begun_ns is not None and step.sink
        ]
        begins = [*(begun_ns for _, _, begun_ns in made), _FOREVER_NS]
        yield Disturbed("before", "", judged_ns, begins[0])
        for (what, sink, begun_ns), end_ns in zip(made, begins[1:], strict=True):
            yield Disturbed(what, sink, begun_ns, end_ns)

    def _repeats(self) -> Iterator[tuple[int, int]]:
        for path in Path(self._stack.state.journal_dir).glob("*.jsonl"):
            entries, _ = read_journal(path, self._journals.get(path, 0))
            for entry in entries:
                if isinstance(entry, Commit) and entry.duplicates:
                    yield entry.monotonic_ns, entry.duplicates


def unmade(trial: Trial, errors: list[str], *, made: int, asked: int) -> Trial:
    """Return the trial, INVALID where changes of the group that were *asked* for were not *made*, unless it failed."""
    if made == asked and not errors:
        return trial
    why = f"{made} of {asked} changes of the group were made" + "".join(f": {error}" for error in errors)
    return msgspec.structs.replace(
        trial,
        invalid_because=[*trial.invalid_because, why],
        outcome=Outcome.FAIL if trial.outcome is Outcome.FAIL else Outcome.INVALID,
        reasons=[*trial.reasons, why],
    )
