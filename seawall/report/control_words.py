"""Whether the instrument noticed everything that was planted."""

from __future__ import annotations

from seawall.report.answer_form import Answer
from seawall.report.comparison_words import listed
from seawall.result import Outcome, Result


def controls_answer(result: Result) -> Answer:
    """Return whether the instrument noticed everything that was planted."""
    caught = [row for row in result.controls if row.outcome is Outcome.PASS]
    missed = [row.name for row in result.controls if row.outcome is Outcome.FAIL]
    toothless = [row.name for row in result.controls if row.outcome is Outcome.INVALID]
    word = "Not all" if missed else "It cannot be told" if toothless or not caught else "Yes"
    sentence = f"{len(caught)} of {len(result.controls)} controls came out as they must"
    sentence += (
        f"; {listed(missed)} did not" * bool(missed) + f"; {listed(toothless)} did not bite" * bool(toothless) + "."
    )
    doubts = ["Services misbehaved on purpose here: no figure of these trials measures anything else."]
    return Answer("Does the instrument notice what is wrong?", word, sentence, doubts=doubts)
