"""Up to which stage of load each path held its targets."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.report.answer_form import Answer
from seawall.result import Outcome, Result, StageFinding


def stages_answer(result: Result) -> Answer:
    """Return up to which stage each path held its targets."""
    word = {Outcome.PASS: "Yes", Outcome.FAIL: "Not all", Outcome.INCONCLUSIVE: "It cannot be told"}.get(
        result.outcome, "This run does not tell"
    )
    said = [_held(arm.name, [stage for stage in result.stages if stage.arm == arm.name]) for arm in result.arms]
    narrow = [
        f"{stage.arm}, {stage.stage} a second: {stage.bottleneck}. To try: {stage.advice}."
        for stage in result.stages
        if stage.bottleneck
    ]
    return Answer(
        "Are the targets held through all stages of load?",
        word,
        f"{'; '.join(said)}.",
        from_which_load=narrow,
        doubts=[f"{reason[:1].upper()}{reason[1:]}." for reason in result.reasons],
    )


def _held(arm: str, stages: Sequence[StageFinding]) -> str:
    held = [stage for stage in stages if stage.outcome is Outcome.PASS]
    highest = f", the highest {held[-1].stage} a second" if held else ""
    return f"{arm} held {len(held)} of {len(stages)} stages{highest}"
