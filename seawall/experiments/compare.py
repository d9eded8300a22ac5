"""`compare`: the write paths side by side, same records and same load, arms interleaved, every record audited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from seawall.experiments.arms import arm_of
from seawall.experiments.compare_options import CompareOptions
from seawall.experiments.comparisons import compare_arms
from seawall.experiments.errors import NotDrained
from seawall.experiments.judgement import arm_verdicts, judge_arms
from seawall.experiments.load_process import LoadProcess
from seawall.experiments.machine import machine_facts
from seawall.experiments.trial import TrialPlan, TrialRunner
from seawall.load.trial import Progress, TrialLoad
from seawall.result import Outcome, Result, Trial
from seawall.stack.stack import Stack
from seawall.targets.target import Targets

WARM_UP_RECORDS = (5_000, 40_000)
"""At least and at most so many; between them, as many as four seconds of the load hold."""


class Watcher(Protocol):
    """Sees a comparison's progress."""

    def trial_starts(self, plan: TrialPlan, number: int, total: int) -> None:
        """*number* counts from 1."""
        ...

    def trial_goes_on(self, plan: TrialPlan, progress: Progress) -> None:
        """Called a few times a second."""
        ...

    def trial_ended(self, trial: Trial) -> None:
        """The audited trial."""
        ...


@dataclass(frozen=True)
class Comparison:
    """One comparison on a running stack."""

    options: CompareOptions
    targets: Targets
    stack: Stack
    directory: Path
    """Where raw columns, Locust's CSV files and the load's log go."""

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run all trials; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the experiment and is not passed on: the result says that it was interrupted.
        """
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        settings = self.stack.settings()
        arms = [arm_of(path, settings) for path in self.options.paths]
        environment = {**machine_facts(), "servers": self._versions()}
        trials: list[Trial] = []
        names = [arm.name for arm in arms]

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            judged = judge_arms(self.targets, names, trials)
            return Result(
                experiment="compare",
                started_at=started_at,
                finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
                seed=self.options.seed,
                outcome=outcome_of(trials, interrupted=interrupted),
                interrupted=interrupted,
                reasons=list(reasons),
                options=self.options.as_json(),
                environment=environment,
                arms=arms,
                trials=list(trials),
                comparisons=list(compare_arms(names, trials)),
                targets=judged,
                verdicts=arm_verdicts(judged, trials),
            )

        try:
            self._run_trials(watcher, trials, lambda: write(result()))
            final = result()
        except KeyboardInterrupt:
            final = result(interrupted=True, reasons=("interrupted before the end",))
        except NotDrained as standstill:
            final = result(reasons=(str(standstill),))
        except Exception as error:
            write(result(interrupted=True, reasons=(f"ended early: {error}",)))
            raise
        write(final)
        return final

    def _versions(self) -> dict[str, str]:
        return {name: service.version for name, service in self.stack.state.services.items() if service.version}

    def _run_trials(self, watcher: Watcher, trials: list[Trial], write: Callable[[], None]) -> None:
        plans = list(planned_trials(self.options, self.directory / "raw"))
        with (
            LoadProcess(self.stack.state.api_url, self.directory / "logs" / "load.log") as load,
            TrialRunner(
                self.stack, load, drain_timeout_s=self.options.drain_timeout_s, keep_rows=self.options.keep
            ) as runner,
        ):
            for plan in warm_up_trials(self.options, self.directory / "raw"):
                runner.run(plan, lambda _: None)
            for number, plan in enumerate(plans, 1):
                watcher.trial_starts(plan, number, len(plans))
                trial = runner.run(plan, partial(watcher.trial_goes_on, plan))
                trials.append(trial)
                watcher.trial_ended(trial)
                write()
                if trial.audit.pending and number < len(plans):
                    raise NotDrained(
                        f"stopped after {number} of {len(plans)} trials: {trial.audit.pending} records of {trial.name}"
                        " lie in the log and the sinks stand still"
                    )


def warm_up_trials(options: CompareOptions, directory: Path) -> Iterator[TrialPlan]:
    """Yield a trial an arm that is not part of the result: it fills pools, plan caches and just-in-time compilers."""
    for path in options.paths:
        load = TrialLoad(
            name=f"warm-up-{path}",
            path=path,
            entity="mixed",
            users=options.clients,
            seed=options.seed,
            directory=str(directory),
            count=warm_up_records(options),
        )
        yield TrialPlan(path, -1, load)


def warm_up_records(options: CompareOptions) -> int:
    """Return how many records warm an arm up: a broker's compiler is busy for the first seconds of a load."""
    least, most = WARM_UP_RECORDS
    asked = int(4 * options.users * options.rate_per_s) if "load" in options.parts else 0
    return min(max(least, asked), most)


def planned_trials(options: CompareOptions, directory: Path) -> Iterator[TrialPlan]:
    """Yield the trials in their order: for each cell and block the arms there and back, A B C C B A."""
    order = (*options.paths, *reversed(options.paths))
    for block in range(options.blocks):
        if "data" in options.parts:
            for entity in options.entities:
                for count in options.counts:
                    for place, path in enumerate(order):
                        yield TrialPlan(
                            path,
                            block,
                            TrialLoad(
                                name=f"data-{entity}-{count}-{path}-{block}{'ab'[place >= len(options.paths)]}",
                                path=path,
                                entity=entity,
                                users=min(options.clients, count),
                                seed=options.seed,
                                directory=str(directory),
                                count=count,
                            ),
                        )
        if "load" in options.parts:
            for place, path in enumerate(order):
                yield TrialPlan(
                    path,
                    block,
                    TrialLoad(
                        name=f"load-{path}-{block}{'ab'[place >= len(options.paths)]}",
                        path=path,
                        entity=options.load_entity,
                        users=options.users,
                        seed=options.seed,
                        directory=str(directory),
                        rate_per_s=options.rate_per_s,
                        warmup_s=options.warmup_s,
                        duration_s=options.duration_s,
                    ),
                )


def outcome_of(trials: list[Trial], *, interrupted: bool) -> Outcome:
    """Return the whole run's outcome: anything lost or pending is FAIL, whatever else happened."""
    found = {trial.outcome for trial in trials}
    if Outcome.FAIL in found:
        return Outcome.FAIL
    if Outcome.INVALID in found or interrupted or not trials:
        return Outcome.INVALID
    return Outcome.PASS
