"""Whether a fault was borne: nothing lost, nothing doubled, nobody hit who need not be, and all as before in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from seawall.experiments.fault_figures import FaultFigures
from seawall.result import Arm, FaultFinding, Outcome, SlopeFinding, Trial
from seawall.stack.faults.fault import EVERY_PATH, Fault
from seawall.targets.verdict import verdict_of_run

MOST_BAD_BEFORE = 0.05
"""Where more than that was bad already before a fault, nobody can tell when all is as before."""
AT_ONCE_MS = 200.0
"""A refusal that takes longer is no refusal at once; so long may a good answer take."""
_ONE_MACHINE = (
    "A process that is killed leaves what it wrote in the page cache: no kill proves what a power failure would leave."
)
_IN_MEMORY = "The data of database and brokers lay in memory here, on small disks, so nothing waited for a disk."
_ONE_FATE = "Three brokers on one machine are one failure domain: they share its disk, its kernel and its power."


def judged(
    fault: Fault, path: str, bit: str, error: str, figures: FaultFigures | None, trial: Trial, *, lookups_failed: int
) -> tuple[Outcome, list[str]]:
    """Return the outcome of one fault, and why."""
    wrong = list(_wrong(fault, path, figures, trial))
    if figures is not None and figures.bad_before > MOST_BAD_BEFORE and not trial.audit.violations:
        wrong = []  # whatever was late or refused is not the fault's doing
    if lookups_failed and not fault.hides_references and fault.touches != EVERY_PATH:
        wrong.append(f"{lookups_failed} lookups failed, and neither the API nor the database was touched")
    if wrong or trial.outcome is Outcome.FAIL:
        return Outcome.FAIL, wrong or list(trial.reasons)
    untold = [f"it could not be made, or not be put back: {error}"] if error else list(trial.invalid_because)
    if figures is not None and figures.bad_before > MOST_BAD_BEFORE:
        untold.append(f"{figures.bad_before:.0%} of the requests failed or were late already before the fault")
    if not bit:
        untold.append("it did not bite: nothing shows that it had effect")
    if untold:
        return Outcome.INVALID, untold
    if trial.outcome is Outcome.INCONCLUSIVE:
        return Outcome.INCONCLUSIVE, list(trial.reasons)
    return Outcome.PASS, []


def _wrong(fault: Fault, path: str, figures: FaultFigures | None, trial: Trial) -> Iterator[str]:
    for name, count in trial.audit.violations.items():
        examples = trial.examples.get(name)
        yield f"{count} {name.replace('_', ' ')}" + (f", the first {examples[0]}" if examples else "")
    if figures is None:
        return
    failed = figures.failed - (figures.failed_orders if fault.hides_references else 0)
    if path not in fault.touches and failed:
        yield f"{failed} requests failed, and nothing that they need was touched"
    if tells_recovery(fault, figures):
        if figures.recover_s is None:
            yield "the service was not as before when the run ended"
        elif figures.recover_s > fault.heals_within_s:
            yield f"it took {figures.recover_s:.1f} s until the service was as before, asked {fault.heals_within_s:g} s"
    refused_ms = figures.refused_p50_ms
    if refused_ms is not None and refused_ms > AT_ONCE_MS:
        yield f"refusals came late: half of them took {refused_ms:,.0f} ms and more, asked {AT_ONCE_MS:g} ms"


def tells_recovery(fault: Fault, figures: FaultFigures) -> bool:
    """Tell whether a trial went on for long enough after its fault to ask when all was as before."""
    return figures.left_s >= fault.heals_within_s


def outcome_of(findings: Sequence[FaultFinding], *, whole: bool, memory: Iterable[SlopeFinding] = ()) -> Outcome:
    """Return the outcome of a run; one that is not *whole* says nothing, unless it failed.

    Memory that rises makes it fail; where that cannot be told, it was no run to tell it.
    """
    outcomes = [finding.outcome for finding in findings]
    outcomes += [slope.outcome for slope in memory if slope.outcome is Outcome.FAIL]
    return verdict_of_run(outcomes, whole=whole)


def reasons_of(
    findings: Sequence[FaultFinding],
    left_out: Mapping[str, str],
    arm: Arm,
    *,
    in_memory: bool,
    memory: Iterable[SlopeFinding] = (),
) -> list[str]:
    """Return what a reader should know beside the findings."""
    rising = [slope for slope in memory if slope.outcome is Outcome.FAIL]
    found = [f"memory of {slope.service}: {slope.reason}" for slope in rising]
    unasked = sum(not finding.recovery_asked for finding in findings)
    if unasked:
        found.append(
            f"{unasked} of {len(findings)} trials ended too soon after their fault to ask when all was as before:"
            " --duration makes them longer"
        )
    found += [f"{name} was left out: {why}" for name, why in left_out.items()]
    if any(finding.name.startswith("kill-") for finding in findings):
        found.append(_ONE_MACHINE)
    if in_memory:
        found.append(_IN_MEMORY)
    if arm.durability.startswith("3 "):
        found.append(_ONE_FATE)
    return found
