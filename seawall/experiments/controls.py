"""`controls`: the instrument proves that it detects. Services misbehave on purpose, and each has to be found out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from contract.connections import Connections
from seawall.experiments import control_losses, control_times
from seawall.experiments.control_bench import LIMITS, ControlBench, FaultFiles
from seawall.experiments.control_losses import Verdict
from seawall.experiments.errors import BadOptions
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.machine import machine_facts
from seawall.experiments.trial import TrialRunner
from seawall.load.trial import Progress
from seawall.result import Arm, ControlFinding, Outcome, Result
from seawall.stack.stack import Stack

DRAIN_TIMEOUT_S = 30.0
NOT_A_MEASUREMENT = "a control: no measurement"
"""Stands where other arms tell their durability."""


@dataclass(frozen=True)
class Control:
    """One thing that is planted, and how it has to come out."""

    name: str
    planted: str
    expected: str
    run: Callable[[ControlBench], Verdict]


CATALOGUE: tuple[Control, ...] = (
    Control(
        "drop-sync",
        "the API answers 201 for 1 in 1,000 records and writes none of them",
        "FAIL, and the ids named as lost are those dropped",
        control_losses.dropped_directly,
    ),
    Control(
        "drop-kafka",
        "the API answers 202 for 1 in 1,000 records and publishes none of them",
        "FAIL, and the ids named as lost, never logged, are those dropped",
        control_losses.dropped_before_the_log,
    ),
    Control(
        "early-ack",
        "the API answers 202 before the broker's ack; it is killed with records in its buffer",
        "FAIL: lost, never logged",
        control_losses.acknowledged_early,
    ),
    Control(
        "honest-api",
        "nothing; the API is killed all the same",
        "nothing lost; what had no answer is unknown",
        control_losses.honest_api_killed,
    ),
    Control(
        "log-twice",
        "1 in 20 records is published twice",
        "no FAIL: counted in the log, absorbed by the sink",
        control_losses.logged_twice,
    ),
    Control(
        "alter",
        "the API changes a field of 1 in 1,000 records",
        "FAIL, and the ids named as corrupted are those altered",
        control_losses.altered,
    ),
    Control(
        "freeze",
        "the API freezes for 500 ms every 5 s",
        "the open loop's p99 shows it as it must; a closed loop hides it",
        control_times.frozen,
    ),
    Control(
        "starved",
        "the generator shares one core with processes that never rest",
        "INVALID and not FAIL, with the reason",
        control_times.starved,
    ),
    Control(
        "same",
        "nothing; sync is compared with itself",
        "no difference shown, or equivalent",
        control_times.same_against_same,
    ),
    Control(
        "apart",
        "sync with a delay of 100 ms is compared with 110 ms",
        "found: the interval leaves out 1 and reaches what was planted",
        control_times.ten_percent_apart,
    ),
    Control(
        "early-offsets",
        "the sink commits offsets before the rows; it is killed",
        "FAIL: lost, passed in the log without being stored, and offsets ahead of rows",
        control_losses.offsets_before_rows,
    ),
    Control(
        "honest-sink",
        "nothing; the sink is killed all the same",
        "nothing lost",
        control_losses.honest_sink_killed,
    ),
    Control(
        "acks-0",
        "the API answers 202 without waiting for the broker (acks=0), which hangs for 1 s and is killed",
        "FAIL: lost, never logged",
        control_losses.without_acks,
    ),
    Control(
        "honest-broker",
        "nothing; the broker hangs and is killed all the same",
        "nothing lost; what had no answer is unknown",
        control_losses.honest_broker_killed,
    ),
    Control(
        "wiped-replica",
        "the only broker dies and comes back with an empty disk, while no sink is at work",
        "FAIL: lost, no more of them than lay in the log alone",
        control_losses.only_replica_wiped,
    ),
    # the last one: it takes the primary keys away for good
    Control(
        "store-twice",
        "the tables have no primary key and the sink inserts 1 in 500 records twice",
        "FAIL, and the ids named as duplicates are those doubled",
        control_losses.stored_twice,
    ),
)


def chosen(names: Iterable[str]) -> tuple[Control, ...]:
    """Return the controls of these names in the catalogue's order, all for none; raises `BadOptions`."""
    asked = tuple(names)
    known = [control.name for control in CATALOGUE]
    mistakes = [f"--only: unknown {name!r}, known are {', '.join(known)}" for name in asked if name not in known]
    if mistakes:
        raise BadOptions(mistakes)
    return tuple(control for control in CATALOGUE if not asked or control.name in asked)


def refuse_foreign_servers() -> None:
    """Raise `BadOptions` where settings name servers of somebody else: faults are planted in our own only."""
    given = Connections.read()
    named = [
        f"SEAWALL_{name.upper()}: controls break things on purpose, so they run on servers of their own: unset it"
        for name in ("database_url", "cache_url", "kafka_bootstrap_servers", "api_url")
        if getattr(given, name) is not None
    ]
    if named:
        raise BadOptions(named)


class Watcher(Protocol):
    """Sees the progress."""

    def control_starts(self, control: Control, number: int, total: int) -> None:
        """*number* counts from 1."""
        ...

    def control_goes_on(self, progress: Progress) -> None:
        """Called a few times a second while a trial runs."""
        ...

    def control_ended(self, finding: ControlFinding) -> None:
        """What came of it."""
        ...


@dataclass(frozen=True)
class Controls:
    """The chosen controls, one after the other on one stack, which must have been started for *files*."""

    chosen: tuple[Control, ...]
    stack: Stack
    files: FaultFiles
    directory: Path
    seed: int = 1

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run them; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the experiment and is not passed on: the result says that it was interrupted.
        """
        findings: list[ControlFinding] = []
        environment = {**machine_facts(), "servers": self.stack.versions, "control": self.stack.state.options.control}
        started_at = _now()
        with (
            LoadProcess(self.stack.state.api_url, self.directory / "logs" / "load.log") as load,
            TrialRunner(self.stack, load, LIMITS, drain_timeout_s=DRAIN_TIMEOUT_S, keep_rows=False) as runner,
        ):
            bench = ControlBench(
                stack=self.stack,
                runner=runner,
                files=self.files,
                directory=self.directory / "raw",
                logs=self.directory / "logs",
                seed=self.seed,
                on_progress=watcher.control_goes_on,
            )

            def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
                return Result(
                    experiment="controls",
                    started_at=started_at,
                    finished_at=_now(),
                    seed=self.seed,
                    outcome=outcome_of(findings, interrupted=interrupted),
                    interrupted=interrupted,
                    reasons=list(reasons),
                    options={
                        "only": [control.name for control in self.chosen],
                        "database": self.stack.connections.database,
                    },
                    environment=environment,
                    arms=[Arm(name=name, path=path, durability=NOT_A_MEASUREMENT) for name, path in bench.arms.items()],
                    trials=list(bench.trials),
                    controls=list(findings),
                )

            try:
                for number, control in enumerate(self.chosen, 1):
                    watcher.control_starts(control, number, len(self.chosen))
                    findings.append(_find(control, bench))
                    watcher.control_ended(findings[-1])
                    write(result())
                final = result()
            except KeyboardInterrupt:
                final = result(interrupted=True, reasons=("interrupted before the end",))
            except Exception as error:
                write(result(interrupted=True, reasons=(f"ended early: {error}",)))
                raise
        write(final)
        return final


def outcome_of(findings: Iterable[ControlFinding], *, interrupted: bool) -> Outcome:
    """Return FAIL if anything was not found out, INVALID if something could not be told, else PASS."""
    found = {finding.outcome for finding in findings}
    if Outcome.FAIL in found:
        return Outcome.FAIL
    return Outcome.INVALID if interrupted or not found or found != {Outcome.PASS} else Outcome.PASS


def _find(control: Control, bench: ControlBench) -> ControlFinding:
    began_s, before = time.monotonic(), len(bench.trials)
    words, outcome = control.run(bench)
    return ControlFinding(
        name=control.name,
        planted=control.planted,
        expected=control.expected,
        found=words,
        outcome=outcome,
        trials=[trial.name for trial in bench.trials[before:]],
        seconds=round(time.monotonic() - began_s, 1),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
