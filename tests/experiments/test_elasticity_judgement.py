"""When scaling under load was borne."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.experiments.elasticity_judgement import judged
from seawall.result import AuditCounts, ElasticityStep, Outcome, Trial

GOOD = ElasticityStep(at_s=5.0, before=1, after=2, asked=True, outcome=Outcome.PASS)
LATE = ElasticityStep(at_s=9.0, before=2, after=1, asked=True, outcome=Outcome.FAIL, reason="it took 20 s")


def outcome(*steps: ElasticityStep, lost: int = 0, invalid: tuple[str, ...] = (), **given: Any) -> tuple[Outcome, str]:
    """Return the outcome of a run, and why."""
    trial = Trial(
        name="t", kind="load", arm="kafka", block=1, entity="mixed", started_at="", users=5, invalid_because=[*invalid],
        audit=AuditCounts(attempted=9, lost=lost), outcome=Outcome.FAIL if lost else Outcome.PASS,
    )  # fmt: skip
    counts = {"failed": 0, "refused": 0, "left": 0, "error": "", **given}
    found, reasons = judged(trial, steps, **counts)
    return found, "; ".join(reasons)


@pytest.mark.parametrize(
    ("steps", "given", "wanted", "says"),
    [
        ((GOOD,), {}, Outcome.PASS, ""),
        ((GOOD, LATE), {}, Outcome.FAIL, "2 to 1 at 9 s: it took 20 s"),
        ((GOOD, LATE), {"invalid": ("the generator was late",)}, Outcome.INVALID, "the generator was late"),
        ((GOOD,), {"failed": 3}, Outcome.FAIL, "3 requests failed"),
        ((GOOD,), {"failed": 3, "refused": 2}, Outcome.FAIL, "2 of them refused"),
        ((GOOD,), {"failed": 3, "invalid": ("the generator was late",)}, Outcome.FAIL, "3 requests failed"),
        ((GOOD,), {"lost": 1}, Outcome.FAIL, "1 lost"),
        ((), {}, Outcome.INVALID, "nothing was scaled"),
        ((GOOD,), {"error": "no such thing"}, Outcome.INVALID, "ended early: no such thing"),
        ((GOOD,), {"left": 2}, Outcome.INCONCLUSIVE, "2 more than were asked for"),
    ],
)
def test_what_is_lost_or_fails_weighs_more_than_times(
    steps: tuple[ElasticityStep, ...], given: dict[str, Any], wanted: Outcome, says: str
) -> None:
    """And a generator that was late excuses late times alone."""
    found, reasons = outcome(*steps, **given)
    assert found is wanted
    assert says in reasons
