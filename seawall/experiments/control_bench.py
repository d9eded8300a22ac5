"""The place of the negative controls: a stack that misbehaves on purpose, and trials with one fault at a time."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec

from seawall.experiments.trial import NOTHING_BESIDE, TrialPlan, TrialRunner
from seawall.experiments.validity import Limits
from seawall.load.trial import Progress, TrialLoad
from seawall.result import Trial
from seawall.stack.errors import NotRunning
from seawall.stack.faults.disks import Wiped
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

HONEST = "none"
LIMITS = Limits(response_ms=200.0)
"""The shipped target for writes, from which follows how late the generator may be."""
HANGS_S = 1.0
"""So long a service stands still before it dies."""
OnProgress = Callable[[Progress], None]


class Deed(msgspec.Struct, frozen=True):
    """One thing that a fault did, to which records, and when (monotonic)."""

    fault: str
    event: str
    at_ns: int
    ids: list[str] = []


class FaultFiles:
    """The files through which a fault is planted and tells what it did."""

    def __init__(self, directory: Path, database: str = "") -> None:
        """*database* is the one behind what misbehaves, as in `StackOptions`."""
        self._database = database
        self._directory = directory.absolute()
        self._read_to: dict[Path, int] = {}
        self._decode = msgspec.json.Decoder(Deed).decode

    def options(self) -> StackOptions:
        """Return what a stack must look like for these files to have an effect."""
        return StackOptions(
            database=self._database,
            api_module="controls.api",
            sink_module="controls.sink",
            environment={
                "SEAWALL_FAULT_FILE": str(self._directory / "planted"),
                "SEAWALL_FAULT_LOG": str(self._directory),
            },
        )

    def plant(self, fault: str) -> None:
        """Make *fault* the one that is committed from now on."""
        self._directory.mkdir(parents=True, exist_ok=True)
        partial = self._directory / "planted.partial"
        partial.write_text(fault + "\n", encoding="ascii")
        partial.replace(self._directory / "planted")

    def forget(self) -> None:
        """Pass over what has been done so far."""
        self.new_deeds()

    def new_deeds(self) -> list[Deed]:
        """Return what was done since the last call; a line that a kill cut off is left out."""
        found = []
        for path in sorted(self._directory.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read_to.get(path, 0))
                text = file.read()
            whole = text.rfind(b"\n") + 1
            self._read_to[path] = self._read_to.get(path, 0) + whole
            found += [self._decode(line) for line in text[:whole].splitlines()]
        return found


@dataclass
class ControlBench:
    """What every control works with: it plants, loads, kills, and gets audited trials back."""

    stack: Stack
    runner: TrialRunner
    files: FaultFiles
    directory: Path
    """Where raw columns go."""
    logs: Path
    seed: int
    on_progress: OnProgress
    trials: list[Trial] = field(default_factory=list)
    """Every trial so far, in order."""
    arms: dict[str, str] = field(default_factory=dict)
    """The path of each arm that those trials have."""
    _deeds: list[Deed] = field(default_factory=list)
    _warm: bool = False

    def data(self, name: str, fault: str, *, path: str, count: int, users: int = 20, arm: str = "") -> Trial:
        """Run a trial of *count* records, each user's next as soon as its last is answered, with *fault* planted."""
        load = TrialLoad(
            name=self._unique(name),
            path=path,
            entity="mixed",
            users=users,
            seed=self.seed,
            directory=str(self.directory),
            count=count,
        )
        return self._run(load, fault, arm or name, self.on_progress)

    def load(
        self,
        name: str,
        fault: str,
        *,
        path: str,
        users: int,
        rate_per_s: float,
        duration_s: float,
        warmup_s: float = 0.0,
        on_progress: OnProgress | None = None,
        beside: contextlib.AbstractContextManager[object] = NOTHING_BESIDE,
    ) -> Trial:
        """Run a trial that keeps a rate (*rate_per_s* of each user) for a time, with *fault* planted."""
        load = TrialLoad(
            name=self._unique(name),
            path=path,
            entity="mixed",
            users=users,
            seed=self.seed,
            directory=str(self.directory),
            rate_per_s=rate_per_s,
            warmup_s=warmup_s,
            duration_s=duration_s,
        )
        return self._run(load, fault, name, on_progress or self.on_progress, beside)

    def killing(self, service: str, after: int) -> OnProgress:
        """Return what kills *service* once so many requests were answered; its successor is an honest one.

        A successor that goes on to misbehave would blur the end of the trial: what is lost then is not the kill's work.
        """
        killed = False

        def watch(progress: Progress) -> None:
            nonlocal killed
            self.on_progress(progress)
            if not killed and progress.answered >= after:
                killed = True
                self.stack.signal(service, signal.SIGKILL)
                self.files.plant(HONEST)

        return watch

    def hanging(self, service: str, after: int) -> Hanging:
        """Return what has *service* stand still once so many requests were answered, and a second later kills it."""
        return Hanging(self, service, after)

    def wiping(self, broker: str, after: int) -> Wiping:
        """Return what takes a *broker*'s disk away while the log is ahead of the tables."""
        return Wiping(self, broker, after)

    def warm_up(self) -> None:
        """Fill pools, plan caches and just-in-time compilers, once, so that times can be compared."""
        if not self._warm:
            self._warm = True
            for path in ("sync", "kafka"):
                trial = self.data(f"warm-up-{path}", HONEST, path=path, count=1_500)
                self.trials.remove(trial)
                del self.arms[trial.arm]

    def deeds(self, event: str) -> set[str]:
        """Return the ids to which faults did *event* in the last trial."""
        return {identity for deed in self._deeds for identity in deed.ids if deed.event == event}

    def events(self, event: str) -> list[Deed]:
        """Return the deeds of the last trial that are called *event*."""
        return [deed for deed in self._deeds if deed.event == event]

    def run_with(self, runner: TrialRunner, plan: TrialPlan, on_progress: OnProgress | None = None) -> Trial:
        """Run *plan* with a runner of the control's own, and keep the trial."""
        trial = runner.run(plan, on_progress or self.on_progress)
        self.trials.append(trial)
        self.arms[plan.arm] = plan.load.path
        return trial

    def _run(
        self,
        load: TrialLoad,
        fault: str,
        arm: str,
        on_progress: OnProgress,
        beside: contextlib.AbstractContextManager[object] = NOTHING_BESIDE,
    ) -> Trial:
        self.files.plant(fault)
        self.files.forget()
        trial = self.runner.run(TrialPlan(arm, 0, load), on_progress, beside=beside)
        self._deeds = self.files.new_deeds()
        self.files.plant(HONEST)
        self.trials.append(trial)
        self.arms[arm] = load.path
        return trial

    def _unique(self, name: str) -> str:
        earlier = sum(trial.name.startswith(name) for trial in self.trials)
        return f"{name}-{earlier + 1}"


class Hanging:
    """A service stands still once so many requests were answered, and is killed a second later.

    Used beside the load as a context manager, at whose end nothing stands still any more.
    """

    def __init__(self, bench: ControlBench, service: str, after: int) -> None:
        self._bench, self._service, self._after = bench, service, after
        self.since_ns: int | None = None
        """Monotonic: when it was stopped."""
        self._killed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.since_ns is not None and not self._killed:
            _go_on(self._bench.stack, self._service)

    def watch(self, progress: Progress) -> None:
        """Follow the load."""
        self._bench.on_progress(progress)
        now_ns = time.monotonic_ns()
        if self.since_ns is None:
            if progress.answered >= self._after:
                self.since_ns = now_ns
                self._bench.stack.signal(self._service, signal.SIGSTOP)
        elif not self._killed and now_ns > self.since_ns + HANGS_S * 1e9:
            self._killed = True
            self._bench.stack.signal(self._service, signal.SIGKILL)
            self._bench.files.plant(HONEST)


class Wiping:
    """A broker dies and comes back without a record, while the log is ahead of the tables.

    Once so many requests were answered, the sink stands still; a second later the API does, so that nobody adds to the
    log while it is told how many of its records are in no table yet. Both go on afterwards, at the end of the context
    at the latest.
    """

    def __init__(self, bench: ControlBench, broker: str, after: int) -> None:
        self._bench, self._broker, self._after = bench, broker, after
        self._since_s: float | None = None
        self.only_logged: int | None = None
        """Records that lay in the log and in no table; None where it did not come to that."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._since_s is not None:
            _go_on(self._bench.stack, "sink-1")

    def watch(self, progress: Progress) -> None:
        """Follow the load."""
        self._bench.on_progress(progress)
        stack = self._bench.stack
        if self._since_s is None:
            if progress.answered >= self._after:
                self._since_s = time.monotonic()
                stack.signal("sink-1", signal.SIGSTOP)
        elif self.only_logged is None and time.monotonic() > self._since_s + HANGS_S:
            stack.signal("api", signal.SIGSTOP)
            try:
                self.only_logged = stack.lag()
                lost = Wiped(stack, self._broker)
                try:
                    lost.begin()
                finally:
                    lost.end()
            finally:
                _go_on(stack, "sink-1")
                _go_on(stack, "api")


def _go_on(stack: Stack, service: str) -> None:
    with contextlib.suppress(NotRunning):  # what died meanwhile is started again by the stack
        stack.signal(service, signal.SIGCONT)
