"""The stages of a recorded run whose load changed, each judged by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from seawall.experiments.figures import Window
from seawall.experiments.judgement import arm_verdicts, judge_arms
from seawall.experiments.recorded_audit import RecordedAudit
from seawall.experiments.recorded_trial import Recorded, Standard, recorded_trial
from seawall.experiments.stage_judgement import targets_of_stage
from seawall.result import AuditCounts, JudgedTarget, Outcome, StageFinding, Trial
from seawall.targets.verdict import verdict

ON_ITS_WAY_NS = 6_000_000_000
"""While a run goes on, requests may be so old before they are in the ledger."""


class JudgedStages(NamedTuple):
    """All stages in their order, and a trial for each that came to its end."""

    stages: list[StageFinding]
    trials: list[Trial]
    of_records: list[JudgedTarget]
    """What the audit of the whole run was held to."""

    @property
    def targets(self) -> list[JudgedTarget]:
        """Every stage's targets, each with its stage in its name, and those of the whole run."""
        named = (
            msgspec.structs.replace(row, name=f"{stage.stage}: {row.name}")
            for stage in self.stages
            for row in stage.targets
        )
        return [*named, *self.of_records]

    def outcome(self, whole: Trial, *, running: bool) -> Outcome:
        """Return the outcome of the run; a stage that is not at its end leaves it open, if it is not yet to come."""
        judged = [stage.outcome for stage in self.stages if stage.judged]
        outcomes = [outcome or Outcome.INVALID for outcome in judged if outcome or not running]
        outcomes += [row.outcome for row in self.of_records]
        return verdict([*outcomes, Outcome.FAIL] if whole.outcome is Outcome.FAIL else outcomes)


def judged_stages(recorded: Recorded, whole: Trial, standard: Standard, audit: RecordedAudit) -> JudgedStages:
    """Return what became of each stage; nothing where the load did not change by a profile, or it never began.

    A plateau is judged where it came to its end before the run did. The audit is that of the *whole* run.
    """
    record, planned, arm = recorded.record, recorded.planned, whole.arm
    if record.profile is None or planned is None:
        return JudgedStages([], [], [])
    found = JudgedStages([], [], _of_records(whole, standard))
    audit = replace(audit, counts=AuditCounts(), examples={}, wrong=[])
    settled_ns = record.ended_ns - (ON_ITS_WAY_NS if recorded.running else 0)
    for stage, (begin_ns, end_ns) in zip(record.profile.stages, record.profile.bounds_ns(), strict=True):
        window = Window(record.started_ns + begin_ns, record.started_ns + end_ns)
        due, sent = planned.counts(window)
        owed = len(planned.unsent_ns(Window(window.start_ns, min(window.end_ns, record.ended_ns))))
        finding = StageFinding(
            arm=arm,
            stage=stage.name,
            load_per_s=max(stage.from_per_s, stage.to_per_s),
            users=record.places,
            judged=stage.judged,
            begins_s=begin_ns / 1e9,
            duration_s=stage.duration_s,
            from_per_s=stage.from_per_s,
            to_per_s=stage.to_per_s,
            planned=due,
            sent=sent,
            unsent=owed,
        )
        if window.end_ns <= settled_ns:
            number = len(found.stages)
            trial = recorded_trial(recorded, arm, standard, audit, name=stage.name, window=window, stage=number)
            finding = _judged(finding, trial, standard) if stage.judged else _with_figures(finding, trial)
            found.trials.append(trial)
        found.stages.append(finding)
    return found


def interrupted_words(recorded: Recorded, stages: Sequence[StageFinding]) -> Iterator[str]:
    """Say which stages a run did not come to the end of."""
    missing = [stage.stage for stage in stages if stage.judged and stage.outcome is None]
    if missing and not recorded.running:
        seconds = (recorded.record.ended_ns - recorded.record.started_ns) / 1e9
        what = f"stage {missing[0]} was" if len(missing) == 1 else f"stages {', '.join(missing)} were"
        yield f"the run was ended after {seconds:.1f} s: {what} not judged"


def _with_figures(finding: StageFinding, trial: Trial) -> StageFinding:
    return msgspec.structs.replace(
        finding, trials=[trial.name], achieved_per_s=trial.achieved_per_s, response_ms=trial.response_ms
    )


def _of_records(whole: Trial, standard: Standard) -> list[JudgedTarget]:
    """Hold the whole run to the targets of its audit, which a late generator or a load that moves does not spoil."""
    meant = tuple(target for target in standard.targets.targets if target.metric.of_records)
    scopes = {name: msgspec.structs.replace(part, invalid_because=[]) for name, part in whole.scopes.items()}
    sound = msgspec.structs.replace(whole, invalid_because=[], scopes=scopes)
    return judge_arms(replace(standard.targets, targets=meant), [whole.arm], [sound], attain=standard.attain)


def _judged(finding: StageFinding, trial: Trial, standard: Standard) -> StageFinding:
    meant = targets_of_stage(standard.targets, finding.load_per_s)
    meant = replace(meant, targets=tuple(target for target in meant.targets if not target.metric.of_records))
    rows = judge_arms(meant, [finding.arm], [trial], attain=standard.attain)
    outcome = arm_verdicts(rows, [trial]).get(finding.arm, Outcome.INVALID)
    return msgspec.structs.replace(_with_figures(finding, trial), targets=rows, outcome=outcome)
