"""`tune --search`: one knob turned at a time, the better half stays, the best are combined, and fresh trials decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np

from seawall.experiments.comparisons import compare_figures, figure_of
from seawall.experiments.level_effects import compare_levels
from seawall.experiments.search_options import BASE, FEW, HIGHEST, Candidate, RoundOptions, SearchOptions
from seawall.result import ArmComparison, Outcome, Result, SearchFinding, SearchStep, Trial
from seawall.stats.errors import StatsError
from seawall.stats.groups import chances_against_first
from seawall.stats.quantiles import FloatArray
from seawall.tuning.knob import Place

BY_CHANCE = 0.05
BETTER, NOTHING_BETTER = "better", "nothing better shown"
TOO_FEW, UNFINISHED = "too few valid trials", "not finished"
_BASE = Candidate()


class Measure(Protocol):
    """Runs the trials of a round."""

    def __call__(
        self, options: RoundOptions, earlier: Result | None, write: Callable[[Result], None], /, *, warms_up: bool
    ) -> Result:
        """Return *earlier* with the trials of the round that it lacks; *write* gets the result after each of them."""
        ...


@dataclass
class Search:
    """One search; what it measures with, it is given."""

    options: SearchOptions
    measure: Measure
    earlier: Result | None = None
    """What was measured before the search was interrupted."""
    _steps: list[SearchStep] = field(default_factory=list)
    _result: Result | None = None
    _round: int = 0
    _warm: bool = False

    def run(self, write: Callable[[Result], None]) -> Result:
        """Search to the end; *write* gets the result so far after each trial.

        An interruption, or a log that does not drain, ends the search with what is known.
        """
        self._result = self.earlier
        standing = self.options.candidates()
        while len(standing) > FEW:
            standing = self._round_of(standing, -(-len(standing) // 2), write)
            if self._over:
                return self._found(UNFINISHED)
        together = combined(standing, self.options)
        for _ in range(2):
            standing = self._round_of(together, 1 if together else 0, write, with_base=True)
            if self._over:
                return self._found(UNFINISHED)
        if not standing or standing == [_BASE]:
            return self._write(self._found(NOTHING_BETTER if standing else TOO_FEW), write)
        self._result = self._compare((_BASE, standing[0]), write, decides=True)
        if self._over:
            return self._found(UNFINISHED)
        return self._write(self._found(TOO_FEW, standing[0]), write)

    @property
    def _over(self) -> bool:
        return self._result is None or self._result.interrupted or bool(self._result.reasons)

    def _round_of(
        self,
        candidates: Sequence[Candidate],
        stay: int,
        write: Callable[[Result], None],
        *,
        with_base: bool = False,
    ) -> list[Candidate]:
        """Give each of *candidates* and the base a trial, and return the best *stay*; the base only *with_base*."""
        self._result = self._compare((_BASE, *candidates), write)
        figures = {one: self.figures(one.name) for one in (_BASE, *candidates)}
        ranked = [one for one, found in figures.items() if len(found) and (with_base or one != _BASE)]
        ranked.sort(key=lambda one: self.options.factor * float(np.median(figures[one])))
        kept = ranked[:stay]
        self._steps += [
            SearchStep(
                round=self._round,
                arm=one.name,
                trials=len(found),
                figure=round(float(np.median(found)), 4) if len(found) else None,
                stays=one in kept,
            )
            for one, found in figures.items()
        ]
        return kept

    def _compare(
        self,
        candidates: Sequence[Candidate],
        write: Callable[[Result], None],
        *,
        decides: bool = False,
    ) -> Result:
        self._round += 1
        options = self.options.round(self._round, candidates, decides=decides)
        before = len(self._result.trials) if self._result else 0
        result = self.measure(
            options, self._result, lambda result: write(self._with_finding(result)), warms_up=not self._warm
        )
        self._warm = self._warm or len(result.trials) > before
        return result

    def figures(self, arm: str, *, fresh: bool = False) -> FloatArray:
        """Return the goal's figure in each of the arm's valid trials: those that decide, or those of the rounds."""
        return np.array([
            figure
            for trial in self._valid(arm, fresh=fresh)
            if (figure := figure_of(trial, self.options.metric)) is not None
        ])  # fmt: skip

    def _valid(self, arm: str, *, fresh: bool) -> list[Trial]:
        trials = self._result.trials if self._result else []
        mine = [trial for trial in trials if trial.arm == arm and trial.outcome is Outcome.PASS]
        return [trial for trial in mine if is_fresh(trial) == fresh]

    def _found(self, says: str, best: Candidate | None = None) -> Result:
        assert self._result is not None
        return self._with_finding(self._result, says, best)

    def _with_finding(self, result: Result, says: str = UNFINISHED, best: Candidate | None = None) -> Result:
        """Return *result* with how far the search is; of *best*, what its fresh trials say."""
        finding = SearchFinding(
            goal=self.options.goal, metric=self.options.metric, base=BASE, steps=list(self._steps), says=says
        )
        comparisons: list[ArmComparison] = []
        if best is not None:
            plans = self.options.round(self._round, (_BASE, best), decides=True).arm_plans()
            arms = [one for plan in plans for one in result.arms if one.name == plan.name]
            comparisons = compare_levels(plans, arms, [trial for trial in result.trials if is_fresh(trial)])
            finding = self._decided(finding, best)
        return msgspec.structs.replace(result, search=finding, comparisons=comparisons)

    def _decided(self, finding: SearchFinding, best: Candidate) -> SearchFinding:
        """Return *finding* with what the fresh trials say of the best candidate."""
        base, arm = self.figures(BASE, fresh=True), self.figures(best.name, fresh=True)
        settings = best.settings(self.options.settings)
        finding = msgspec.structs.replace(
            finding,
            arm=best.name,
            settings={str(place): settings.of(place) for place in Place if settings.of(place)},
            trials=min(len(base), len(arm)),
        )
        try:
            (chance,) = chances_against_first([base, arm])
        except StatsError:
            return finding
        metric = self.options.metric
        row = compare_figures(base, arm, ArmComparison(base=BASE, arm=best.name, metric=metric, kind="load", entity=""))
        less = row.ratio is not None and row.ratio < 1
        better = bool(row.significant and chance < BY_CHANCE and less != (metric in HIGHEST))
        return msgspec.structs.replace(
            finding,
            ratio=row.ratio,
            ci_low=row.ci_low,
            ci_high=row.ci_high,
            chance=round(float(chance), 4),
            better=better,
            says=BETTER if better else NOTHING_BETTER,
        )

    @staticmethod
    def _write(result: Result, write: Callable[[Result], None]) -> Result:
        write(result)
        return result


def is_fresh(trial: Trial) -> bool:
    """Tell whether a trial is one of those that decide in the end, which the search did not choose by."""
    return "-fresh-" in trial.name


def combined(best: Sequence[Candidate], options: SearchOptions) -> list[Candidate]:
    """Return the best candidates, the best one first, then that one with each of the others, and with all of them."""
    found = list(best)
    together = best[0] if best else _BASE
    for other in best[1:]:
        found += _together(best[0], other, options)
        for both in _together(together, other, options):
            together = both
    return found if not best or together in found else [*found, together]


def _together(one: Candidate, other: Candidate, options: SearchOptions) -> list[Candidate]:
    both = one.with_other(other)
    return [both] if both is not None and options.allowed(both) else []
