"""What the audit of reviews finds: each has one result or one dead letter, and nothing else counts."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from contract.entities import Review
from contract.ids import new_run
from seawall.audit.review_results import ReviewAudit, reconciled
from seawall.load.review_feed import ReviewLoad

LOAD = ReviewLoad.drawn(12, 3, 10.0, seed=1, run=new_run())
SENT = {one.id: one for one in LOAD.reviews}
Rows = list[tuple[UUID, UUID, str | None]]


def row(review: Review, sentiment: str | None = "neutral") -> tuple[UUID, UUID, str | None]:
    """Return a review's row."""
    return review.id, review.job_id, sentiment


def audited(rows: Rows, letters: set[UUID] | None = None, written: list[UUID] | None = None) -> ReviewAudit:
    """Audit these *rows*; written in the order of what was sent, unless told otherwise."""
    return reconciled(rows, letters or set(), SENT, set(SENT), list(SENT) if written is None else written)


def test_equal_seeds_and_runs_draw_equal_loads() -> None:
    """Jobs take turns, and number their reviews."""
    again = ReviewLoad.drawn(12, 3, 10.0, seed=1, run=new_run())
    assert [one.review_text for one in again.reviews] == [one.review_text for one in LOAD.reviews]
    assert [len(job) for job in LOAD.jobs().values()] == [4, 4, 4]
    assert all([one.review_id for one in job] == [0, 1, 2, 3] for job in LOAD.jobs().values())


def test_a_result_or_a_dead_letter_each_is_right() -> None:
    """Whoever has a letter has a row without a sentiment."""
    buried = LOAD.reviews[5]
    rows = [row(one, None if one is buried else "positive") for one in LOAD.reviews]
    found = audited(rows, {buried.id})
    assert (found.judged, found.buried, found.sentiments, found.wrong()) == (11, 1, {"positive": 11}, {})


@pytest.mark.parametrize(
    ("rows", "letters", "wrong"),
    [
        ([row(one) for one in LOAD.reviews[:-2]], set(), {"missing": 2}),
        ([*map(row, LOAD.reviews), (uuid4(), uuid4(), "neutral")], set(), {"phantom": 1}),
        ([*map(row, LOAD.reviews[1:]), (LOAD.reviews[0].id, uuid4(), "neutral")], set(), {"mislabelled": 1}),
        ([*map(row, LOAD.reviews[1:]), row(LOAD.reviews[0], None)], set(), {"unlettered": 1}),
        ([*map(row, LOAD.reviews)], {LOAD.reviews[3].id}, {"both": 1}),
    ],
)
def test_what_is_not_right_is_counted_by_its_kind(rows: Rows, letters: set[UUID], wrong: dict[str, int]) -> None:
    """With an example."""
    found = audited(rows, letters)
    assert found.wrong() == wrong
    assert found.examples


def test_a_result_before_that_of_an_earlier_review_of_its_job_is_misordered() -> None:
    """Other jobs in between are no matter, and neither is what is read again."""
    first, second, third = (job for job in LOAD.jobs().values())
    order = [one.id for job in (second, first, third) for one in job]
    assert audited([*map(row, LOAD.reviews)], written=[*order, *order]).wrong() == {}
    order[1], order[2] = order[2], order[1]
    assert audited([*map(row, LOAD.reviews)], written=order).wrong() == {"misordered": 1}
