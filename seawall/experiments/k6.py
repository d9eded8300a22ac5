"""One run of k6 against a stack, judged as a plain Locust run is: same ledger, same definitions, same audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from seawall.experiments.arms import arm_of, as_they_are
from seawall.experiments.k6_options import K6Options
from seawall.experiments.k6_process import K6Ended, K6Place, run_k6
from seawall.experiments.recorded import judged_run
from seawall.experiments.recorded_trial import Standard
from seawall.result import Arm, JudgedTarget, Outcome, Result
from seawall.stack.k6_binary import K6Program
from seawall.stack.stack import Stack
from seawall.targets.k6_thresholds import K6Threshold, as_k6_option, k6_thresholds
from seawall.targets.metrics import Scope
from seawall.targets.target import Targets

NAME = "k6"
_SCOPES = {
    "writes": (Scope.WRITE,),
    "lookups": (Scope.CACHED_LOOKUP,),
    "mix": (Scope.WRITE, Scope.CACHED_LOOKUP),
}


@dataclass(frozen=True)
class K6Experiment:
    """One run of k6."""

    options: K6Options
    targets: Targets
    k6: K6Program
    stack: Stack
    directory: Path

    def run(self, on_progress: Callable[[float], None]) -> Result:
        """Run k6 on fresh state and return the judged result; Ctrl-C ends k6, and the result says so.

        Raises `LoadFailed` where k6 could not make the load.
        """
        self.stack.fresh()
        thresholds = thresholds_of(self.options, self.targets)
        place = K6Place(self.directory / "raw", NAME)
        load = self.options.load(self.stack.state.partitions)
        ended = run_k6(self.k6, load, self.stack.state.api_url, place, thresholds, on_progress)
        result = judged_run(
            ended.recorded,
            Standard(self.targets, attain=self.options.attain, skip_s=self.options.warmup_s),
            self.stack,
            str(place.ledger.relative_to(self.directory)),
            arm=arm_of_k6(self.options, self.stack),
            interrupted=ended.interrupted,
        )
        return msgspec.structs.replace(
            result,
            reasons=[*result.reasons, *own_thresholds(thresholds, ended, result.targets)],
            options={**self.options.as_json(), **result.options, "thresholds": as_k6_option(thresholds)},
            environment={**result.environment, "k6": self.k6.version},
        )


def thresholds_of(options: K6Options, targets: Targets) -> list[K6Threshold]:
    """Return k6's thresholds for the targets that are meant for this load."""
    return k6_thresholds(targets.meant_for(_SCOPES[options.scenario], attain=options.attain))


def arm_of_k6(options: K6Options, stack: Stack) -> Arm:
    """Return what is loaded: the write path with its durability, or the lookups."""
    settings = stack.settings()
    if options.scenario == "lookups":
        return Arm(name="lookups", path="lookups", durability="nothing is written", settings=settings)
    (plan,) = as_they_are([options.path])
    return arm_of(plan, settings)


def own_thresholds(thresholds: list[K6Threshold], ended: K6Ended, judged: list[JudgedTarget]) -> Iterator[str]:
    """Say which of k6's own thresholds were crossed, and why that is not the verdict where the two disagree."""
    outcomes = {(row.set, row.name): row for row in judged}
    for metric in sorted(ended.crossed):
        of_it = [threshold.expression for threshold in thresholds if threshold.metric == metric]
        yield f"k6 says that its own threshold was crossed: {metric} {', '.join(of_it)}".rstrip()
    for threshold in thresholds:
        row = outcomes.get((str(threshold.target.set), threshold.target.name))
        alone = [one for one in thresholds if one.metric == threshold.metric] == [threshold]
        if row is None or not alone:  # k6 names the metric that was crossed, and not by which of its expressions
            continue
        crossed = threshold.metric in ended.crossed
        if crossed != (row.outcome is Outcome.FAIL) and row.outcome in (Outcome.PASS, Outcome.FAIL):
            yield (
                f"{row.name} is {row.outcome} here and {'crossed' if crossed else 'held'} by k6's {threshold.metric}"
                f" {threshold.expression}: {_why(threshold)}"
            )


def _why(threshold: K6Threshold) -> str:
    if threshold.metric.startswith("http_req_failed"):
        return "k6 counts neither what it dropped nor leaves out the warm-up"
    return "k6 counts from the sending, warm-up and failures included, and not what it dropped"
