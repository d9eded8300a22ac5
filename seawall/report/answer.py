"""The answer to the question that an experiment was run for, in words that its figures bear."""

from __future__ import annotations

from collections.abc import Callable

from seawall.report.agreement_words import QUESTION as AGREEMENT_QUESTION
from seawall.report.agreement_words import agreement_answer, is_agreement
from seawall.report.answer_form import Answer
from seawall.report.burst_words import burst_answer, is_ingest
from seawall.report.capacity_words import capacity_answer
from seawall.report.comparison_words import comparison_answer
from seawall.report.control_words import controls_answer
from seawall.report.effect_words import effects_answer
from seawall.report.elasticity_words import elasticity_answer, elasticity_doubts
from seawall.report.experiment_names import FAULT, PLAIN, SOAK
from seawall.report.fault_words import fault_answer
from seawall.report.scaling_words import scaling_answer
from seawall.report.scenarios import scenario_of
from seawall.report.search_tables import search_answer
from seawall.report.service_words import service_answer
from seawall.report.soak_words import soak_answer
from seawall.report.stage_words import stages_answer
from seawall.report.sweep_words import is_sweep, sweep_answer
from seawall.result import Result


def answer_of(result: Result) -> Answer:
    """Return the answer to what the experiment asks; says so where the run cannot tell."""
    scenario = scenario_of(result)
    if scenario is not None:
        return scenario.answer(result)
    for is_asked, make in _ANSWERS:
        if is_asked(result):
            return make(result)
    return comparison_answer(result)


def _of_agreement(result: Result) -> Answer:
    """Return whether two load generators tell the same."""
    return Answer(AGREEMENT_QUESTION, *agreement_answer(result), doubts=[f"{one}." for one in result.reasons[1:]])


_ANSWERS: tuple[tuple[Callable[[Result], bool], Callable[[Result], Answer]], ...] = (
    (lambda result: result.experiment in PLAIN, service_answer),
    (is_agreement, _of_agreement),
    (is_ingest, lambda result: Answer(*burst_answer(result))),
    (lambda result: bool(result.controls), controls_answer),
    (lambda result: bool(result.scaling), scaling_answer),
    (lambda result: result.search is not None, lambda result: Answer(*search_answer(result))),
    (lambda result: bool(result.cells), lambda result: Answer(*effects_answer(result))),
    (is_sweep, sweep_answer),
    (lambda one: bool(one.elasticity), lambda one: Answer(*elasticity_answer(one), doubts=elasticity_doubts(one))),
    (lambda result: result.experiment == SOAK, soak_answer),
    (lambda result: bool(result.stages), stages_answer),
    (lambda result: bool(result.capacity), capacity_answer),
    (lambda result: result.experiment == FAULT, fault_answer),
)
"""What each experiment asks; a comparison is everything else."""
