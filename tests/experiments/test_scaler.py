"""What a scaler remembers of what was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.experiments.deciders import Decision
from seawall.experiments.scaler import Scaler


class Told:
    """Stands in for a decider and a fleet: asks for what it is told to, and has as many."""

    every_s = 1.0

    def __init__(self, asked: list[int | None]) -> None:
        self._asked = iter(asked)
        self.wanted = ["one"]

    def decide(self, _at_s: float, current: int) -> Decision:
        """Return the next; nothing changes."""
        return Decision(current, "told", asked=next(self._asked))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ([], 0),
        ([None, None], 0),
        ([9, 9, 9, 2, 3, 2, 8, 2], 2),
        ([4, None, 5], 5),
    ],
)
def test_what_was_asked_for_in_the_end_is_a_median(asked: list[int | None], found: int) -> None:
    """Of the last few decisions, so that one spike is none."""
    told: Any = Told(asked)
    scaler = Scaler(told, told, told, after_s=0.0)
    for number in range(len(asked)):
        scaler._decide(float(number))
    assert scaler.asked_in_the_end() == found
