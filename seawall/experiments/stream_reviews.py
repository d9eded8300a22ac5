"""`stream reviews`: reviews judged by a slow model, in micro-batches, one by one and job by job, on equal load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from seawall.experiments.arms import ArmPlan, arm_of
from seawall.experiments.endings import run_to_an_end
from seawall.experiments.reviews_judgement import finding_of, outcome_of, reasons_of, targets_of
from seawall.experiments.reviews_trial import judge_reviews
from seawall.experiments.run_facts import RunFacts
from seawall.experiments.stream_reviews_options import ReviewsOptions
from seawall.result import Result
from seawall.result.reviews import REVIEWS, ReviewsFinding
from seawall.stack.stack import Stack


class Watcher(Protocol):
    """Sees how a run goes on."""

    def trial_starts(self, number: int, total: int, arm: str) -> None:
        """Begin an arm."""
        ...

    def judging_goes_on(self, sent: int, done: int) -> None:
        """Called a few times a second: so many are in the log, so many judged or buried."""
        ...

    def finding(self, number: int, total: int, finding: ReviewsFinding) -> None:
        """What became of it."""
        ...


@dataclass(frozen=True)
class ReviewsRun:
    """All arms, one after the other, on one stack."""

    options: ReviewsOptions
    stack: Stack
    directory: Path

    def run(self, watcher: Watcher, write: Callable[[Result], None]) -> Result:
        """Run all arms; *write* gets the result so far after each, and at the end, whatever ended it.

        `KeyboardInterrupt` ends the run and is not passed on: the result says so. Raises `NotJudged` where a process of
        the run cannot go on.
        """
        facts = RunFacts.begin(REVIEWS, self.options.seed, self.options.as_json())
        settings = self.stack.settings()
        names = self.options.arms
        arms = [arm_of(ArmPlan(name=name, path="kafka"), settings) for name in names]
        findings: list[ReviewsFinding] = []

        def result(*, interrupted: bool = False, reasons: tuple[str, ...] = ()) -> Result:
            return Result(
                **facts.by_now(self.stack.versions),
                outcome=outcome_of(findings, whole=len(findings) == len(names)),
                interrupted=interrupted,
                reasons=[*reasons, *reasons_of(findings)],
                arms=arms,
                targets=list(targets_of(findings)),
                verdicts={one.arm: one.outcome for one in findings},
                reviews=list(findings),
            )

        def work() -> None:
            for number, name in enumerate(names, start=1):
                watcher.trial_starts(number, len(names), name)
                place = self.directory / "raw" / f"{number:02d}-{name}"
                judged = judge_reviews(self.stack, self.options, name, place, watcher.judging_goes_on)
                findings.append(finding_of(name, judged))
                write(result())
                watcher.finding(number, len(names), findings[-1])

        return run_to_an_end(work, result, write, anything=lambda: True)
