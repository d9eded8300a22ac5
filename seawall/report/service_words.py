"""Whether the service of a plain run holds its targets."""

from __future__ import annotations

from seawall.report.answer_form import Answer
from seawall.report.shape_words import break_words, is_profiled
from seawall.result import Outcome, Result

SERVICE_QUESTION = "Does the service hold its targets under this load?"


def service_answer(result: Result) -> Answer:
    """Return whether the service of a plain run holds its targets at that load."""
    if not result.trials:
        return Answer(SERVICE_QUESTION, "Nothing was measured", "The run ended before its first request did.")
    trial, outcome = result.trials[0], result.outcome
    word = {
        Outcome.PASS: "It holds", Outcome.FAIL: "It does not hold", Outcome.INCONCLUSIVE: "It cannot be told",
        Outcome.INVALID: "This run says nothing",
    }[outcome]  # fmt: skip
    if not trial.requests:
        why = trial.reasons[0] if trial.reasons else "no request was sent"
        return Answer(SERVICE_QUESTION, "Nothing was measured", f"{why.capitalize()}.")
    load = f"{trial.requests / (trial.duration_s or 1):,.0f} requests a second"
    if trial.offered_per_s:
        load = f"{trial.offered_per_s:,.0f} requests a second on a schedule"
    load = f"At {load}"
    if is_profiled(result):
        load = f"Through {result.options.get('shape')}, up to {result.options.get('peak_rate'):,.0f} requests a second,"
    sentence = f"{load} by {trial.users:,} users, {trial.arm} "
    missed = [row for row in result.targets if row.outcome is outcome]
    if outcome is Outcome.PASS:
        sentence += f"held every target that was judged ({len(result.targets)})."
    elif trial.outcome is Outcome.FAIL:
        sentence += f"did not keep its records: {', '.join(trial.reasons)}."
    else:
        said = "missed" if outcome is Outcome.FAIL else f"is {outcome} against"
        first = f": {missed[0].name}, {missed[0].reason}" if missed else ""
        sentence += f"{said} {len(missed)} of {len(result.targets)} targets{first}."
    doubts = [*(f"{reason[:1].upper()}{reason[1:]}." for reason in result.reasons), f"The audit {result.audit}."]
    if result.not_judged:
        doubts.append(f"Not judged, since that takes a database to look into: {', '.join(result.not_judged)}.")
    broke = break_words(result)
    return Answer(SERVICE_QUESTION, word, sentence, [f"It {broke}." if broke else ""][: bool(broke)], doubts)
