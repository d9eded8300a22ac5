"""Whether anything crept up while one load went on."""

from __future__ import annotations

from seawall.report.answer_form import Answer
from seawall.report.comparison_words import load_text
from seawall.result import Outcome, Result


def soak_answer(result: Result) -> Answer:
    """Return whether anything crept up while one load went on."""
    question = "Does it last?"
    if not result.segments:
        return Answer(question, "Nothing was measured", "The soak ended before its first segment did.")
    word = {
        Outcome.PASS: "Nothing creeps up", Outcome.FAIL: "No", Outcome.INCONCLUSIVE: "It cannot be told yet",
        Outcome.INVALID: "This soak says nothing yet",
    }[result.outcome]  # fmt: skip
    judged = [slope for slope in result.slopes if slope.outcome is not None]
    passed = sum(slope.outcome is Outcome.PASS for slope in judged)
    loaded_s = sum(trial.duration_s or 0.0 for trial in result.trials)
    length = f"{loaded_s / 60:,.0f} minutes" if loaded_s >= 120 else f"{loaded_s:,.0f} seconds"  # noqa: PLR2004
    sentence = (
        f"{load_text(result)}, for {length} in {len(result.trials)} segments: {passed} of"
        f" {len(judged)} slopes stay below their limits."
    )
    doubts = [f"{reason[:1].upper()}{reason[1:]}." for reason in result.reasons]
    open_ = [slope for slope in judged if slope.outcome is Outcome.INCONCLUSIVE]
    if open_:
        first = f"{open_[0].metric.replace('_', ' ')} of {open_[0].service}: {open_[0].reason}"
        doubts.append(f"{len(open_)} slopes cannot be told from their limits; {first}.")
    return Answer(question, word, sentence, doubts=doubts)
