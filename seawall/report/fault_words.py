"""Whether what went wrong on purpose was borne."""

from __future__ import annotations

from seawall.report.answer_form import Answer
from seawall.result import Outcome, Result


def fault_answer(result: Result) -> Answer:
    """Return whether what went wrong was borne."""
    faults = result.faults
    borne = sum(finding.outcome is Outcome.PASS for finding in faults)
    lost, doubled, absorbed = (
        sum(getattr(finding, name) for finding in faults) for name in ("lost", "doubled", "absorbed")
    )
    acknowledged = sum(trial.audit.acknowledged for trial in result.trials)
    word = {Outcome.PASS: "Yes", Outcome.FAIL: "Not always", Outcome.INCONCLUSIVE: "It is not proven"}.get(
        result.outcome, "This run does not tell"
    )
    back = [finding.recover_s for finding in faults if finding.recover_s is not None]
    sentence = (
        f"{borne} of {len(faults)} faults were borne. Of {acknowledged:,} records that were acknowledged meanwhile,"
        f" {lost:,} were lost and {doubled:,} doubled; {absorbed:,} came out of the log again and were stored once."
    )
    slowest = f"The slowest recovery took {max(back):.1f} s." if back else ""
    failed = [f"{finding.name}: {'; '.join(finding.reasons)}." for finding in faults if finding.outcome is Outcome.FAIL]
    return Answer(
        "Does the service bear it when something goes wrong?",
        word,
        sentence if faults else "The run ended before its first fault did.",
        from_which_load=[slowest] if slowest else [],
        doubts=[*failed, *(f"{reason.rstrip('.')}." for reason in result.reasons)],
    )
