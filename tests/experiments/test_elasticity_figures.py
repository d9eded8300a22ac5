"""What a step of scaling did to requests: from ledgers of which all is known."""

from __future__ import annotations

import numpy as np
import pytest

from contract.ids import Run
from contract.samples import Shape
from seawall.audit.ledger import NEVER, Int64s, Ledger
from seawall.experiments.elasticity_figures import moments, steps
from seawall.experiments.scaler import Change, Look
from seawall.result import ElasticityMoment, ElasticityStep, Outcome

SECOND, MS = 10**9, 10**6
PER_S, LENGTH_S = 20, 60


def course(late_s: set[int], *, failed: set[int] = frozenset()) -> tuple[Ledger, Int64s]:  # type: ignore[assignment]
    """Return a minute of requests; those of *late_s* leave records that are visible after 3 s, others after 50 ms."""
    count = PER_S * LENGTH_S
    intended_ns = np.arange(count, dtype=np.int64) * (SECOND // PER_S)
    statuses = np.array([503 if number in failed else 202 for number in range(count)], dtype=np.uint16)
    ledger = Ledger(
        run=Run(1, 1), seed=1, shape=Shape(), endpoints=("POST /v1/kafka/users",),
        user=np.zeros(count, dtype=np.uint32), sequence=np.arange(count, dtype=np.uint32),
        entity=np.full(count, 2, dtype=np.uint8), endpoint=np.zeros(count, dtype=np.uint8),
        intended_ns=intended_ns, sent_ns=intended_ns, answered_ns=intended_ns + 5 * MS, status=statuses,
        overruled=np.zeros(count, dtype=np.bool_), denied=np.zeros(count, dtype=np.bool_),
    )  # fmt: skip
    late = np.isin(intended_ns // SECOND, list(late_s))
    return ledger, np.where(statuses == 202, intended_ns + np.where(late, 3_000, 50) * MS, NEVER)


def seen(late_s: set[int], looks: tuple[Look, ...] = ()) -> list[ElasticityMoment]:
    """Return the course of such a minute."""
    return moments(*course(late_s), looks, first=1, start_ns=0, end_ns=LENGTH_S * SECOND)


def taken(late_s: set[int], *changes: tuple[float, float | None]) -> list[ElasticityStep]:
    """Return what became of changes, given as their moments and when they were there."""
    made = [
        Change(int(at_s * SECOND), number, number + 1, "", None if there_s is None else int(there_s * SECOND))
        for number, (at_s, there_s) in enumerate(changes, start=1)
    ]
    return steps(made, seen(late_s), start_ns=0, limits_ms=(None, 1_000.0))


def test_each_second_has_its_figures_and_what_was_seen_last() -> None:
    """Offered and failed requests, times, and how many processes were wanted and there."""
    ledger, visible_ns = course({2}, failed={61, 62})
    looks = (Look(4 * SECOND, 2, 1, 7), Look(5 * SECOND + 1, 2, 2, None))
    found = moments(ledger, visible_ns, looks, first=1, start_ns=0, end_ns=LENGTH_S * SECOND)
    assert len(found) == LENGTH_S
    assert {moment.offered_per_s for moment in found} == {PER_S}
    assert [moment.failed_per_s for moment in found[:5]] == [0, 0, 0, 2, 0]
    assert (found[1].visible_p95_ms, found[2].visible_p95_ms) == (50, 3_000)
    assert [(moment.wanted, moment.running, moment.lag) for moment in found[2:6]] == [
        (1, 1, None), (2, 1, 7), (2, 1, 7), (2, 2, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("late_s", "back_s", "outcome"),
    [
        (set(), 0, Outcome.PASS),
        ({11, 12, 15}, 6, Outcome.PASS),
        ({11, 12, 40}, 3, Outcome.PASS),  # a stall after a long calm is not the step's
        (set(range(10, 30)), 20, Outcome.FAIL),
        (set(range(10, 60)), None, Outcome.FAIL),
        ({9}, 0, Outcome.PASS),
    ],
)
def test_times_are_back_after_the_last_late_second(late_s: set[int], back_s: float | None, outcome: Outcome) -> None:
    """Counted from the decision, asked within 15 s."""
    (step,) = taken(late_s, (10, 13))
    assert (step.back_s, step.settle_s, step.asked, step.outcome) == (back_s, 3, True, outcome)


def test_a_step_that_another_follows_soon_is_not_asked() -> None:
    """Whether times were back then is asked of the last one."""
    first, second = taken({11, 12, 13}, (10, None), (14, 16))
    assert (first.asked, first.back_s, first.outcome) == (False, None, Outcome.PASS)
    assert "before it was there" in first.reason
    assert (second.asked, second.back_s) == (True, 0)


def test_a_number_that_never_comes_about_fails() -> None:
    """Where there was time for it."""
    (step,) = taken(set(), (10, None))
    assert step.outcome is Outcome.FAIL
    assert "50 s later not as many did their work" in step.reason
