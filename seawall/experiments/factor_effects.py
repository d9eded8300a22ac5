"""What the knobs of a plan did: main effects and interactions out of the trials of all cells."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from seawall.experiments.comparisons import METRICS, OF_SWEEPS, figure_of
from seawall.experiments.level_effects import BY_CHANCE
from seawall.experiments.plan_options import PlanOptions
from seawall.result import EffectFinding, Outcome, Result, Trial
from seawall.stats.designs import Factors, Term
from seawall.stats.effects import estimate_effects
from seawall.stats.errors import StatsError

TOO_FEW = "too few valid trials"
NOT_SHOWN = "no effect shown"


def with_effects(result: Result, options: PlanOptions) -> Result:
    """Return *result* with its cells and their effects; trials that are not PASS do not count."""
    good = [trial for trial in result.trials if trial.outcome is Outcome.PASS]
    metrics = [*METRICS["load"], *(one for one in OF_SWEEPS if any(figure_of(trial, one) for trial in good))]
    found = [row for metric in metrics for row in _effects(metric, options, good, BY_CHANCE / len(metrics))]
    return msgspec.structs.replace(result, cells=options.cells(), effects=found)


def _effects(metric: str, options: PlanOptions, trials: list[Trial], level: float) -> Iterator[EffectFinding]:
    told = [(trial, figure) for trial in trials if (figure := figure_of(trial, metric))]
    rows = {options.cell_name(number): row for number, row in enumerate(options.design.signs)}
    terms = options.design.terms
    findings = [
        msgspec.structs.replace(_finding(metric, term, options), trials=len(told), says=TOO_FEW) for term in terms
    ]
    signs = np.array([rows[trial.arm] for trial, _ in told])
    try:
        effects = estimate_effects(
            np.array([[row[list(term.factors)].prod() for term in terms] for row in signs]),
            [len(term.factors) for term in terms],
            np.array([figure for _, figure in told]),
            np.array([trial.block for trial, _ in told]),
        )
    except StatsError:
        yield from findings
        return
    for finding, effect in zip(findings, effects, strict=True):
        significant = effect.chance < level
        yield msgspec.structs.replace(
            finding,
            ratio=round(effect.ratio.estimate, 4),
            ci_low=round(effect.ratio.low, 4),
            ci_high=round(effect.ratio.high, 4),
            chance=round(effect.chance, 4),
            significant=significant,
            says=("larger" if effect.ratio.estimate > 1 else "smaller") if significant else NOT_SHOWN,
        )


def _finding(metric: str, term: Term, options: PlanOptions) -> EffectFinding:
    factors = options.plan.factors

    def names(places: Factors) -> list[str]:
        return [factors[place].name for place in places]

    return EffectFinding(
        metric=metric,
        factors=names(term.factors),
        levels=[factors[place].words for place in term.factors],
        aliases=[names(pair) for pair in term.aliases],
        partly=[names(pair) for pair in term.partly],
    )
