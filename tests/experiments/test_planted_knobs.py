"""Two knobs whose effect is known: one that does nothing, and one that does harm. A sweep has to say so."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.experiments.arms import ArmPlan
from seawall.experiments.level_effects import compare_levels
from seawall.report.tune_tables import effects
from seawall.result import Arm, AuditCounts, Outcome, Quantiles, Result, Trial

LEVELS = tuple(f"planted={number}" for number in range(5))
TRIALS, SWEEPS = 4, 30
NOISE = 0.06
"""Standard deviation of the logarithms of a figure, from trial to trial."""


def swept(harm: float, seed: int) -> list[str]:
    """Return what is said of a sweep whose last level makes records visible later by the factor *harm*."""
    random = np.random.default_rng(seed)

    def figure(middle: float, factor: float = 1.0) -> float:
        return float(middle * factor * np.exp(random.normal(0, NOISE)))

    trials = [
        Trial(
            name=f"{level}-{number}", kind="load", arm=level, block=number // 2, entity="mixed", started_at="",
            users=10, offered_per_s=1_000.0, duration_s=8.0, requests=8_000, outcome=Outcome.PASS,
            achieved_per_s=1_000.0, response_ms=Quantiles(p95=figure(20)),
            visible_ms=Quantiles(p95=figure(60, harm if level == LEVELS[-1] else 1.0)),
            cpu_s={"api": figure(2)}, audit=AuditCounts(attempted=8_000, acknowledged=8_000, stored=8_000),
        )
        for number in range(TRIALS)
        for level in LEVELS
    ]  # fmt: skip
    arms = [Arm(name=level, path="kafka", durability="1 broker, page cache") for level in LEVELS]
    plans = [ArmPlan(name=level, path="kafka") for level in LEVELS]
    result = Result(
        experiment="tune", started_at="", finished_at="", seed=seed, outcome=Outcome.PASS, options={}, environment={},
        arms=arms, trials=trials, comparisons=compare_levels(plans, arms, trials), targets=[], verdicts={},
    )  # fmt: skip
    return list(effects(result))


def test_a_useless_knob_shows_no_effect() -> None:
    """But for about one sweep in twenty, over all of its levels and figures."""
    named = sum(any("no effect shown" not in told for told in swept(1.0, seed)) for seed in range(SWEEPS))
    assert named <= SWEEPS / 6


@pytest.mark.parametrize(("harm", "word"), [(1.5, "larger"), (0.6, "smaller")])
def test_a_knob_that_does_something_is_named(harm: float, word: str) -> None:
    """The level that does it, in which figure, and to which side."""
    told = [swept(harm, seed)[-1] for seed in range(10)]
    assert all(f"{LEVELS[-1]}: " in text and f"visible p95 {word} (" in text for text in told)
