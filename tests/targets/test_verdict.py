"""Verdicts."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.cli.exits import Exit, exit_of
from seawall.result import Outcome
from seawall.targets.verdict import verdict, verdict_of_run

PASS, FAIL, INCONCLUSIVE, INVALID = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.INVALID


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_every_combination(size: int) -> None:
    """Of all combinations: one FAIL fails, else one INVALID leaves it open, else one INCONCLUSIVE; PASS takes all."""
    for outcomes in product(Outcome, repeat=size):
        if FAIL in outcomes:
            expected = FAIL
        elif INVALID in outcomes:
            expected = INVALID
        elif INCONCLUSIVE in outcomes:
            expected = INCONCLUSIVE
        else:
            expected = PASS
        assert verdict(outcomes) is expected


def test_nothing_judged_is_no_pass() -> None:
    """A run without any target says nothing."""
    assert verdict([]) is INVALID


@pytest.mark.parametrize("size", [0, 1, 2])
def test_a_run_that_ended_early_says_nothing_but_that_it_failed(size: int) -> None:
    """A whole one says what its parts do."""
    for outcomes in product(Outcome, repeat=size):
        assert verdict_of_run(outcomes, whole=True) is verdict(outcomes)
        assert verdict_of_run(iter(outcomes), whole=False) is (FAIL if FAIL in outcomes else INVALID)


@given(st.lists(st.lists(st.sampled_from(Outcome), min_size=1), min_size=1))
def test_verdicts_can_be_taken_of_verdicts(groups: list[list[Outcome]]) -> None:
    """The run's verdict is the same over all targets as over those of its trials."""
    assert verdict(map(verdict, groups)) is verdict(outcome for group in groups for outcome in group)


@pytest.mark.parametrize(("outcome", "code"), [(PASS, 0), (FAIL, 1), (INCONCLUSIVE, 3), (INVALID, 4)])
def test_each_verdict_has_its_exit_code(outcome: Outcome, code: int) -> None:
    """Two is left to wrong usage."""
    assert exit_of(outcome) == code
    assert exit_of(outcome) is not Exit.SETUP
