"""What the benchmark of reviews makes of its turns."""

from __future__ import annotations

import pytest

from benchmarks.reviews import Turn, figures_of
from seawall.result import Outcome
from seawall.result.reviews import BATCH, ReviewsFinding


def turn(full_s: float = 3.0, rest_s: float = 11.2, late: int = 0, latest_ms: float = 4.0) -> Turn:
    """Return one turn."""
    full = ReviewsFinding(arm=BATCH, seconds=full_s, outcome=Outcome.PASS)
    rest = ReviewsFinding(arm=BATCH, seconds=rest_s, by_time=1, late=late, latest_ms=latest_ms, outcome=Outcome.PASS)
    return Turn(full, rest)


@pytest.mark.parametrize(
    ("worst", "reached"),
    [
        (turn(), [True, True, True]),
        (turn(full_s=5.0), [False, True, True]),
        (turn(rest_s=11.5), [True, False, True]),
        (turn(late=1, latest_ms=51.0), [True, True, False]),
    ],
)
def test_the_worst_turn_is_held_against_the_limits(worst: Turn, reached: list[bool]) -> None:
    """Each figure by itself, and every deadline counts."""
    figures = figures_of([turn(), worst, turn()], 10.0)
    assert [one.reached for one in figures] == reached
    assert figures[2].name == "latest of 3 deadlines"
