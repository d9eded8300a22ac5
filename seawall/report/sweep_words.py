"""What the levels of one knob answer, in words."""

from __future__ import annotations

from seawall.report.answer_form import Answer
from seawall.report.comparison_words import doubts_of, listed, load_text
from seawall.report.experiment_names import TUNE
from seawall.report.shape_words import is_designed
from seawall.report.tune_tables import TOO_FEW, effects
from seawall.result import Outcome, Result


def is_sweep(result: Result) -> bool:
    """Tell whether its arms are levels of one knob."""
    return result.experiment == TUNE and not is_designed(result)


def sweep_answer(result: Result) -> Answer:
    """Return what the levels change against the shipped one, beyond what chance does."""
    question = f"What does {result.options.get('knob', 'this knob')} change?"
    doubts = list(doubts_of(result))
    if len(result.arms) < 2 or not result.trials:  # noqa: PLR2004 - a base and something beside it
        return Answer(question, "Nothing was measured", "The run ended before two levels had a trial.", [], doubts)
    clean = sum(trial.outcome is Outcome.PASS for trial in result.trials)
    losing = [arm.name for arm in result.arms if any(t.audit.lost for t in result.trials if t.arm == arm.name)]
    changed = {row.arm for row in result.comparisons if row.significant and row.kind == "load"}
    told = any(row.ratio is not None and row.says != TOO_FEW for row in result.comparisons)
    word = "It changes something" if changed else "No effect was shown" if told else "This run does not tell"
    at = f"{load_text(result)}, against {result.arms[0].name}, over {clean} clean trials of {len(result.trials)}:"
    if losing:
        word = "Some levels lost records"
        at = f"{listed(losing)} lost records that the service had acknowledged: see the audit first. {at}"
    return Answer(question, word, at, [f"{one}." for one in effects(result)], doubts)
