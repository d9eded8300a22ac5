"""Whether every group got and did everything, what the storing one kept of its throughput, and why not more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seawall.result import JudgedTarget, Outcome, Trial
from seawall.result.fanout import LOG, PLAIN, STUMBLING, FanoutFinding, RebuildFinding
from seawall.targets.verdict import verdict

KEPT = 0.8
"""With eight groups the storing one has to keep so much of its solo throughput."""
EIGHT = 8
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
    outcomes += [row.outcome for row in targets_of(findings)]
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    return verdict(outcomes) if whole else Outcome.INVALID


def targets_of(findings: Sequence[FanoutFinding]) -> Iterator[JudgedTarget]:
    """Yield what is claimed of eight groups: the storing one keeps its throughput, or the processors are why not."""
    for finding in findings:
        kept, per_cpu = finding.store_kept, finding.store_kept_per_cpu_s
        if finding.arm != LOG or finding.what != PLAIN or finding.count != EIGHT or kept is None or per_cpu is None:
            continue
        valid = finding.outcome is Outcome.PASS
        yield JudgedTarget(
            set="scenario",
            scope="storing",
            name="the storing group keeps its throughput on the same processor time",
            metric="store_kept",
            limit=f">= {KEPT:.0%}",
            arm=finding.arm,
            trials=1,
            measured=max(kept, per_cpu),
            ci_low=max(kept, per_cpu),
            ci_high=max(kept, per_cpu),
            outcome=(Outcome.PASS if max(kept, per_cpu) >= KEPT else Outcome.FAIL) if valid else Outcome.INVALID,
            reason=why(finding),
        )


def why(finding: FanoutFinding) -> str:
    """Return what became of the storing group's throughput, and why."""
    kept, per_cpu = finding.store_kept, finding.store_kept_per_cpu_s
    if kept is None or per_cpu is None:
        return ""
    if kept >= KEPT:
        return f"{kept:.0%} of what it has alone"
    if per_cpu >= KEPT:
        return (
            f"{kept:.0%} of what it has alone, since {finding.count} groups share the processors, of which"
            f" {finding.cores:.1f} were busy; for each processor second of sinks and database {per_cpu:.0%}"
        )
    return f"{kept:.0%} of what it has alone, and {per_cpu:.0%} for each processor second of sinks and database"


def reasons_of(findings: Sequence[FanoutFinding]) -> list[str]:
    """Return what a reader should know beside the findings."""
    found = [f"{finding.trial}: {reason}" for finding in findings for reason in finding.reasons]
    return [*found, ONE_TRIAL] if findings else found
