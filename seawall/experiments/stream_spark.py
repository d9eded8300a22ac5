"""`stream spark`: features of reviews by a Spark job, one setting at a time, all together, and killed in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from seawall.experiments.arms import ArmPlan, arm_of
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.spark_judgement import finding_of, outcome_of, reasons_of, targets_of
from seawall.experiments.spark_trial import Trial
from seawall.experiments.stream_spark_options import SparkOptions
from seawall.result import Result
from seawall.result.spark import SPARK, SparkFinding
from seawall.stack.spark import spark_versions
from seawall.stack.stack import Stack


class Watcher(Protocol):
    """Sees how a run goes on."""

    def trial_starts(self, number: int, total: int, arm: str) -> None:
        """Begin an arm."""
        ...

    def job_goes_on(self, sent: int, done: int) -> None:
        """Called a few times a second: so many reviews are sent, so many have features."""
        ...

    def finding(self, number: int, total: int, finding: SparkFinding) -> None:
        """What became of it."""
        ...


@dataclass(frozen=True)
class SparkRun:
    """All arms, one after the other, on one stack."""

    options: SparkOptions
    stack: Stack
    directory: Path

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run all arms; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the run and is not passed on: the result says so. Raises `NotJudged` where the job
        cannot go on.
        """
        facts = RunFacts.begin(SPARK, self.options.seed, self.options.as_json())
        settings = self.stack.settings()
        names = self.options.arms
        arms = [arm_of(ArmPlan(name=name, path="kafka"), settings) for name in names]
        findings: list[SparkFinding] = []

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            return Result(
                **facts.by_now(self.stack.versions | spark_versions()),
                outcome=outcome_of(findings, whole=len(findings) == len(names)),
                interrupted=interrupted,
                reasons=[*reasons, *reasons_of(findings)],
                arms=arms,
                targets=list(targets_of(findings)),
                verdicts={one.arm: one.outcome for one in findings},
                spark=list(findings),
            )

        def work() -> None:
            for number, name in enumerate(names, start=1):
                watcher.trial_starts(number, len(names), name)
                place = self.directory / "raw" / f"{number:02d}-{name}"
                worked = Trial(self.stack, self.options, name, place, watcher.job_goes_on).run()
                findings.append(finding_of(name, worked, self.options))
                write(result())
                watcher.finding(number, len(names), findings[-1])

        return run_to_an_end(work, result, write, anything=lambda: True)
