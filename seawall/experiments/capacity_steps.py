"""What a load of a search for capacity came to: held, broken, or not told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from seawall.experiments.bottleneck import NOTHING_SHORT, Bottleneck, bottleneck_of, cores_used
from seawall.experiments.judgement import measure
from seawall.experiments.validity import Limits, lateness
from seawall.result import CapacityFinding, LoadStep, Outcome, Trial
from seawall.stats.capacity import Limit, Step
from seawall.targets.metrics import Scope
from seawall.targets.target import Target, Targets

LEAST_ACHIEVED = 0.99
"""Of the offered load; less means that a queue grows somewhere."""
MOST_LAG_GROWTH = 0.01
"""Of the offered load a second; the log of a sink that keeps up does not grow."""
_AUDIT_FAILURES = ("lost", "phantom", "duplicates", "corrupted", "contradicted", "offsets_ahead")


def step_of(trial: Trial, targets: Targets, *, burst: bool = False) -> tuple[Step, str]:
    """Return whether *trial* held all targets that are judged in any run, and what it was that broke.

    One trial decides by its figures alone; that two have to agree takes the place of an interval. A *burst* may leave
    work behind, as long as every record is visible in the time that the targets give it.

    A generator that is late leaves it open why a target was missed, but not that one was held: response and visible
    delay count from the intended times, and to send later makes no answer come earlier
    (docs/decisions/0017-a-late-generator-holds-no-target-for-a-service.md).
    """
    wrong = [name for name in _AUDIT_FAILURES if getattr(trial.audit, name)]
    if wrong:
        return Step.BROKE, ", ".join(f"{getattr(trial.audit, name):,} {name.replace('_', ' ')}" for name in wrong)
    late = list(lateness(trial, Limits.of(targets)))
    if untold := [why for why in trial.invalid_because if why not in late]:
        return Step.UNTOLD, untold[0]
    broken = next(_missed(trial, targets), None) or (None if burst else next(_queues(trial), None))
    if not late:
        return (Step.HELD, "") if broken is None else (Step.BROKE, broken)
    return (Step.HELD, f"although {late[0]}") if broken is None else (Step.UNTOLD, late[0])


def bottleneck_above(trials: Iterable[Trial], steps: Iterable[LoadStep], targets: Targets, cores: int) -> Bottleneck:
    """Return what was at its limit in the lowest load that broke, if any did, on a machine of so many *cores*."""
    broke = {step.trial for step in steps if step.step == Step.BROKE.value}
    first = min(
        (trial for trial in trials if trial.name in broke), key=lambda trial: trial.offered_per_s or 0.0, default=None
    )
    if first is None:
        return NOTHING_SHORT
    missed = {target.metric.name for target in _missed_targets(first, targets)}
    # a queue that grows holds every target while there is room; what is late then is the row
    return bottleneck_of(cores_used([first]), cores, missed or {"visible_p95_ms"})


def overload_of(trials: Iterable[Trial]) -> str:
    """Say what became of the queue where the log took more than the sinks could write; empty where none of them did."""
    grew = [trial for trial in trials if _growth(trial) > MOST_LAG_GROWTH * (trial.offered_per_s or 0.0)]
    if not grew:
        return ""
    worst = max(grew, key=_growth)
    acknowledged = (worst.requests - (worst.failed - worst.unsent)) / (worst.duration_s or 1.0)
    grew_by = worst.lag.slope_per_s if worst.lag else 0
    return (
        f"at {worst.offered_per_s:,.0f}/s offered, {acknowledged:,.0f}/s were acknowledged and"
        f" {worst.achieved_per_s:,.0f}/s became visible: the log grew by {grew_by:,.0f} records a second. Kafka only"
        " moves the queue: no load above what the sinks write lasts"
    )


def outcome_of(findings: list[CapacityFinding], trials: list[Trial], *, interrupted: bool) -> Outcome:
    """Return the run's outcome: a path that breaks under enough load has passed.

    One that loses a record, or holds the targets under no load at all, has not.
    """
    if any(getattr(trial.audit, name) for trial in trials for name in _AUDIT_FAILURES):
        return Outcome.FAIL
    if interrupted or not findings:
        return Outcome.INVALID
    if any(finding.confirmed and finding.last_pass_per_s is None for finding in findings):
        return Outcome.FAIL
    if all(finding.confirmed and finding.limit != Limit.INSTRUMENT.value for finding in findings):
        return Outcome.PASS
    return Outcome.INCONCLUSIVE


def _missed_targets(trial: Trial, targets: Targets) -> Iterator[Target]:
    for target in targets.meant_for([Scope.WRITE], attain=False):
        measured = measure(target, [trial]).value
        if measured is None or not target.limit.meets(measured):
            yield target


def _missed(trial: Trial, targets: Targets) -> Iterator[str]:
    for target in _missed_targets(trial, targets):
        measured = measure(target, [trial]).value
        figure = "nothing measured" if measured is None else f"{measured:,.4g}"
        yield f"{target.name}: {target.metric.name} {figure}, asked {target.limit}"
    if trial.audit.pending:
        yield f"{trial.audit.pending:,} records were not visible when the time to drain was up"


def _queues(trial: Trial) -> Iterator[str]:
    """Yield what shows that the load could not last."""
    offered, achieved = trial.offered_per_s or 0.0, trial.achieved_per_s or 0.0
    if achieved < LEAST_ACHIEVED * offered:
        yield f"only {achieved:,.0f}/s of {offered:,.0f}/s became visible"
    if _growth(trial) > MOST_LAG_GROWTH * offered:
        yield f"the log grew by {_growth(trial):,.0f} records a second and more"


def _growth(trial: Trial) -> float:
    """Return by how many records a second the log grew at least."""
    return (trial.lag.slope_low or 0.0) if trial.lag is not None else 0.0
