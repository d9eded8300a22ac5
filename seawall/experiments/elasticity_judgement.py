"""Whether scaling under load was borne: nothing lost, no request failed, all came about, and times were held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seawall.result import ElasticityStep, Outcome, Trial


def judged(
    trial: Trial, steps: Sequence[ElasticityStep], *, failed: int, refused: int, left: int, error: str
) -> tuple[Outcome, list[str]]:
    """Return the outcome of a run, and why.

    *failed* are the requests that did, *refused* those of them that were with 429 or 503, *left* is by how many more
    ran in the end than at first and than the formulas asked for, *error* is what ended the scaling before its time.
    """
    wrong = list(_wrong(trial, failed, refused))
    late = [_told(step) for step in steps if step.outcome is Outcome.FAIL]
    if wrong or (late and not trial.invalid_because):
        return Outcome.FAIL, wrong + late
    untold = list(trial.invalid_because) + late
    if error:
        untold.append(f"the scaling ended early: {error}")
    if not steps:
        untold.append("nothing was scaled: the load asked for no other number")
    if untold:
        return Outcome.INVALID, untold
    if trial.outcome is Outcome.INCONCLUSIVE:
        return Outcome.INCONCLUSIVE, list(trial.reasons)
    if left:
        return Outcome.INCONCLUSIVE, [
            f"{left} more than were asked for still ran at the end: a longer --stage shows whether they go"
        ]
    return Outcome.PASS, []


def _wrong(trial: Trial, failed: int, refused: int) -> Iterator[str]:
    for name, count in trial.audit.violations.items():
        examples = trial.examples.get(name)
        yield f"{count} {name.replace('_', ' ')}" + (f", the first {examples[0]}" if examples else "")
    if failed:
        overloaded = f", {refused} of them refused: the API had more than it could serve" if refused else ""
        yield f"{failed} requests failed{overloaded}"
    if trial.outcome is Outcome.FAIL and not trial.audit.violations:
        yield from trial.reasons


def _told(step: ElasticityStep) -> str:
    return f"{step.before} to {step.after} at {step.at_s:.0f} s: {step.reason}"
