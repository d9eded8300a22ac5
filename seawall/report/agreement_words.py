"""Whether two load generators agree, in words."""

from __future__ import annotations

from seawall.result import Outcome, Result
from seawall.result.agreement import AGREEMENT

QUESTION = "Do k6 and Locust tell the same of this load?"


def is_agreement(result: Result) -> bool:
    """Tell whether *result* is of two load generators side by side."""
    return result.experiment == AGREEMENT


def agreement_answer(result: Result) -> tuple[str, str]:
    """Return the answer in a word or two, and the sentence that bears it out."""
    word = {Outcome.PASS: "Yes", Outcome.FAIL: "No", Outcome.INCONCLUSIVE: "It cannot be told"}.get(
        result.outcome, "This run does not tell"
    )
    if not result.trials:
        return "Nothing was measured", "The run ended before its first trial did."
    trial = result.trials[0]
    load = f"At {trial.offered_per_s or 0:,.0f} requests a second by {trial.users:,} users, {len(result.trials)} trials"
    return word, f"{load}: {result.reasons[0] if result.reasons else 'see the table'}."
