"""Whether every group got and did everything, what the storing one kept of its throughput, and why not more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from seawall.experiments.scenario_target import outcome_if, scenario_target
from seawall.result import JudgedTarget, Outcome, Trial
from seawall.result.fanout import LOG, PLAIN, STUMBLING, FanoutFinding, RebuildFinding
from seawall.targets.verdict import verdict_of_run

_row = partial(scenario_target, scope="fan-out")
KEPT = 0.8
"""With eight groups the storing one has to keep so much of its solo throughput."""
EIGHT = 8
BUSY = 0.8
"""With so much of the processors busy they are why it goes no faster."""
OTHERS = 0.1
"""Where other work takes more of the machine than that, a lower throughput says nothing."""
ONE_TRIAL = "One trial each: how much runs differ is not known."


def judged(finding: FanoutFinding, trial: Trial, *, settled: bool) -> tuple[Outcome, list[str]]:
    """Return the outcome of one trial, and why: nothing may be lost, and what each group made has to be right."""
    wrong = list(trial.reasons if trial.outcome is Outcome.FAIL else ())
    wrong += [f"{group.name}: {group.said}" for group in finding.groups if not group.right]
    if not settled:
        wrong.append("not every group was done when the time was up")
    buried = sum(group.buried for group in finding.groups)
    if finding.what == STUMBLING and buried != 1 and settled:
        wrong.append(f"one record is to be buried by the group that stumbles, and {buried:,} were")
    if finding.what != STUMBLING and buried:
        wrong.append(f"{buried:,} records were buried by groups that should take them all")
    if wrong:
        return Outcome.FAIL, wrong
    return trial.outcome, list(trial.reasons)


def outcome_of(findings: Sequence[FanoutFinding], rebuild: Sequence[RebuildFinding], *, whole: bool) -> Outcome:
    """Return the outcome of a run; one that is not *whole* says nothing, unless it failed."""
    outcomes = [finding.outcome for finding in findings] + [one.outcome for one in rebuild]
    outcomes += [row.outcome for row in targets_of(findings, rebuild)]
    return verdict_of_run(outcomes, whole=whole)


def targets_of(findings: Sequence[FanoutFinding], rebuilt: Sequence[RebuildFinding] = ()) -> Iterator[JudgedTarget]:
    """Yield what is claimed: right work, storing that keeps its throughput for its processor time, a rebuilt table."""
    for arm in dict.fromkeys(finding.arm for finding in findings):
        mine = [finding for finding in findings if finding.arm == arm]
        wrong = [f"{one.trial}, {group.name}" for one in mine for group in one.groups if not group.right]
        name, outcome = "what every group made is right", outcome_if(not wrong)
        yield _row(name, "groups_wrong", "== 0", arm, len(wrong), outcome, ", ".join(wrong))
    for finding in findings:
        kept, per_cpu = finding.store_kept, finding.store_kept_per_cpu_s
        if finding.arm != LOG or finding.what != PLAIN or finding.count != EIGHT or kept is None or per_cpu is None:
            continue
        best, outcome = max(kept, per_cpu), _kept_outcome(finding, kept, per_cpu)
        name = "storing keeps its throughput for the same processor time"
        yield _row(name, "store_kept", f">= {KEPT:.0%}", finding.arm, best, outcome, why(finding))
    for one in rebuilt:
        name = "a lost table comes back as it was"
        yield _row(name, "rebuilt_differing", "== 0", LOG, one.differing, one.outcome)


def _kept_outcome(finding: FanoutFinding, kept: float, per_cpu_s: float) -> Outcome:
    if finding.outcome is not Outcome.PASS:
        return Outcome.INVALID
    if kept >= KEPT:
        return Outcome.PASS
    if _is_disturbed(finding):
        return Outcome.INVALID
    if per_cpu_s < KEPT:
        return Outcome.FAIL
    return Outcome.PASS if finding.cores >= BUSY * finding.machine_cores else Outcome.INCONCLUSIVE


def _is_disturbed(finding: FanoutFinding) -> bool:
    return finding.others_cores > OTHERS * finding.machine_cores


def why(finding: FanoutFinding) -> str:
    """Return what became of the storing group's throughput, and why."""
    kept, per_cpu = finding.store_kept, finding.store_kept_per_cpu_s
    if kept is None or per_cpu is None:
        return ""
    said = f"{kept:.0%} of what it has alone"
    if kept >= KEPT:
        return said
    said += f", and {per_cpu:.0%} for each processor second of sinks and database"
    busy = f"of {finding.machine_cores} cores {finding.cores:.1f} were busy with it"
    if _is_disturbed(finding):
        return f"{said}; {busy} and {finding.others_cores:.1f} with other work, so nobody knows why"
    if per_cpu < KEPT:
        return said
    if finding.cores >= BUSY * finding.machine_cores:
        return f"{said}: {busy}, which {finding.count} groups share"
    return f"{said}; but {busy}, so the processors are not why"


def reasons_of(findings: Sequence[FanoutFinding]) -> list[str]:
    """Return what a reader should know beside the findings."""
    found = [f"{finding.trial}: {reason}" for finding in findings for reason in finding.reasons]
    return [*found, ONE_TRIAL] if findings else found
