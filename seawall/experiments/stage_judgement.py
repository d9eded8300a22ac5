"""One stage of load held against the targets that are meant for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from seawall.experiments.bottleneck import NOTHING_SHORT, Bottleneck, bottleneck_of, cores_used
from seawall.experiments.judgement import arm_verdicts, judge_arms
from seawall.result import Outcome, StageFinding, Trial
from seawall.targets.target import Targets, TargetSet

TOO_FEW = Bottleneck("none that can be told: an interval straddles its limit", "run more trials a stage (--repeats)")
ANOTHER_WAY = "run it again on a machine that does nothing else, for longer, or with less load"


def targets_of_stage(targets: Targets, writes_per_s: float) -> Targets:
    """Return *targets* without those that ask for more writes a second than the stage was meant to reach."""
    return replace(
        targets,
        targets=tuple(
            target
            for target in targets.targets
            if target.set is TargetSet.ALWAYS
            or target.metric.name != "writes_per_s"
            or target.limit.number <= writes_per_s
        ),
    )


def stage_finding(
    stage: StageFinding, trials: Sequence[Trial], targets: Targets, *, share_of_writes: float, cores: int
) -> StageFinding:
    """Return *stage* with what its *trials*, one at least, came to, and what kept it from passing, if so.

    *share_of_writes* is that of all requests of the load, *cores* are the machine's.
    """
    meant = targets_of_stage(targets, share_of_writes * stage.load_per_s)
    judged = judge_arms(meant, [stage.arm], trials, attain=True, census=True)
    outcome = arm_verdicts(judged, trials).get(stage.arm, Outcome.INVALID)
    stage = msgspec.structs.replace(
        stage, users=trials[0].users, trials=[trial.name for trial in trials], targets=judged, outcome=outcome
    )
    missed = {row.metric for row in judged if row.outcome is not Outcome.PASS}
    if outcome is Outcome.FAIL:
        found = bottleneck_of(cores_used(trials), cores, missed)
    elif outcome is Outcome.INVALID:
        found = _of_the_instrument(trials)
    else:
        found = NOTHING_SHORT if outcome is Outcome.PASS else TOO_FEW
    return msgspec.structs.replace(stage, bottleneck=found.what, advice=found.advice)


def _of_the_instrument(trials: Sequence[Trial]) -> Bottleneck:
    reasons = [why for trial in trials for why in trial.invalid_because]
    reasons += [why for trial in trials for part in trial.scopes.values() for why in part.invalid_because]
    why = next(iter(reasons), "too little was measured")
    return Bottleneck(f"none that can be told: {why}", ANOTHER_WAY)
