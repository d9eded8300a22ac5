"""Reviews on real servers and a real model service: each has one result or one dead letter, whatever goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from seawall.experiments.stream_reviews import ReviewsRun
from seawall.experiments.stream_reviews_options import ReviewsOptions
from seawall.result import Result
from seawall.result.reviews import ReviewsFinding
from seawall.stack.stack import Stack


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def trial_starts(self, number: int, total: int, arm: str) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {arm}")

    def judging_goes_on(self, sent: int, done: int) -> None:
        """Hold one against the other."""
        assert 0 <= done <= max(sent, done)

    def finding(self, number: int, total: int, finding: ReviewsFinding) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {finding.arm} ended")


def run(stack: Stack, directory: Path, **options: Any) -> Result:
    """Run it, quickly unless told otherwise."""
    quick = {"reviews": 60, "jobs": 4, "rate_per_s": 400.0, "wait_s": 0.5, "latency_s": 0.05, "in_flight": 4}
    return ReviewsRun(ReviewsOptions(**{**quick, **options}), stack, directory).run(Notes(), lambda _: None)


def nothing_wrong(one: ReviewsFinding) -> bool:
    """Tell whether each review has one result or dead letter, in the order of its job."""
    wrong = (one.missing, one.phantom, one.mislabelled, one.unlettered, one.both, one.misordered)
    return not any(wrong) and one.judged + one.buried == one.acknowledged == one.reviews


def test_every_arm_judges_each_review_once(stack: Stack, tmp_path: Path) -> None:
    """With as many calls as its batches need, by the worker's count and by the service's."""
    result = run(stack, tmp_path, reviews=50)
    batch, single, job, lists = result.reviews
    for one in result.reviews:
        assert nothing_wrong(one), one.reasons
        assert (one.buried, one.calls, one.error_ratio) == (0, one.served_calls, 0)
        assert one.asked == one.judged == 50
        assert sum(one.sentiments.values()) == 50
        assert one.memory_bytes > 0
        assert one.course[-1].done == 50
        assert one.sentiments == batch.sentiments
    # 50 by 20 leave a rest that its deadline closes; jobs of 12 and 13 are closed by theirs, unless a list says all
    assert (batch.batches, batch.by_size, batch.by_time) == (3, 2, 1)
    assert (single.calls, single.by_size) == (50, 50)
    assert (job.batches, job.by_time) == (4, 4)
    assert (lists.batches, lists.by_size, lists.by_time) == (4, 0, 0)
    with psycopg.connect(stack.connections.psycopg_url) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM review_results").fetchall()
    assert rows == (50,)
