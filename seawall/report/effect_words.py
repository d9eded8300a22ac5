"""What a plan of several knobs answers, in words."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.report.effect_tables import effect_sentences, metric_name
from seawall.result import Outcome, Result

QUESTION = "Which of these knobs matter, and which of them together?"


def effects_answer(result: Result) -> tuple[str, str, str, list[str], list[str]]:
    """Return question, word, sentence, what was shown, and doubts."""
    told = list(effect_sentences(result))
    shown = [f"{sentence}." for found, sentence in told if found]
    trials = sum(trial.outcome is Outcome.PASS for trial in result.trials)
    cells = f"{trials} valid trials of {len(result.cells)} cells"
    if not any(row.ratio is not None for row in result.effects):
        return QUESTION, "This run does not tell", f"There were too few: {cells}.", [], list(_doubts(result))
    if not shown:
        metrics = ", ".join(metric_name(one) for one in dict.fromkeys(row.metric for row in result.effects))
        sentence = f"No effect was shown on {metrics}, over {cells} at this rate."
        return QUESTION, "None was shown to", sentence, [], list(_doubts(result))
    names = dict.fromkeys(name for row in result.effects if row.significant for name in row.factors)
    return (
        QUESTION,
        ", ".join(names),
        f"Beyond what chance finds, over {cells} at this rate:",
        shown,
        list(_doubts(result)),
    )


def _doubts(result: Result) -> Iterator[str]:
    if any(row.aliases for row in result.effects):
        yield "Effects that are aliased are measured as one: which of them it is, this design cannot tell."
    if any(row.partly for row in result.effects):
        yield "A screening design shows main effects alone; interactions of other knobs lend them parts of themselves."
    if bad := sum(trial.outcome is not Outcome.PASS for trial in result.trials):
        yield f"{bad} of {len(result.trials)} trials did not come out clean, and do not count."
    yield from (f"{reason.rstrip('.')}." for reason in result.reasons)
