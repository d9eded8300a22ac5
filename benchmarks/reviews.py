"""How soon does a slow model's answer to reviews come, and does each batch keep its deadline?

Two loads by the arm `batch`, several times each, on a model that takes a second a call: one whose batches are all full,
and one whose last batch is half full and waits for its deadline. Nothing else is done on the stack meanwhile.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.errors import BenchmarkError
from benchmarks.report import BenchmarkReport, Figure, argument_parser, finish
from seawall.experiments.reviews_judgement import MOST_LATE_MS, finding_of
from seawall.experiments.reviews_trial import judge_reviews
from seawall.experiments.stream_reviews_options import ReviewsOptions
from seawall.result import Outcome
from seawall.result.reviews import BATCH, ReviewsFinding
from seawall.stack import places
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack

FULL, REST = 100, 90
"""Reviews, of which batches of 20 leave none over, and ten."""
FULL_WITHIN_S = 5.0
REST_BEYOND_S = 1.5
"""Beyond the deadline of the batch that waits for it."""
TURNS, QUICK_TURNS = 4, 1
WAIT_S, QUICK_WAIT_S = 10.0, 2.0
_RATE_PER_S = 1_000.0  # as good as at once: what is measured is how soon all is judged


class Turn(NamedTuple):
    """One of each load."""

    full: ReviewsFinding
    rest: ReviewsFinding


class Reviews:
    """Has loads judged, one after the other."""

    def __init__(self, stack: Stack, directory: Path, wait_s: float, seed: int) -> None:
        self._stack, self._directory, self._wait_s, self._seed = stack, directory, wait_s, seed
        self._number = 0

    def turn(self) -> Turn:
        """Judge both loads."""
        return Turn(self._judged(FULL), self._judged(REST))

    def _judged(self, count: int) -> ReviewsFinding:
        options = ReviewsOptions(
            reviews=count, jobs=5, rate_per_s=_RATE_PER_S, wait_s=self._wait_s, latency_s=1.0, seed=self._seed
        )
        self._number += 1
        place = self._directory / f"{self._number:02d}-{count}"
        found = finding_of(BATCH, judge_reviews(self._stack, options, BATCH, place, lambda _sent, _done: None))
        if found.outcome is not Outcome.PASS or found.seconds is None:
            raise BenchmarkError(f"{count} reviews: {'; '.join(found.reasons)}")
        return found


def figures_of(turns: Sequence[Turn], wait_s: float) -> list[Figure]:
    """Hold the slowest of each load, and the latest of all deadlines, against their limits."""
    full = max(turn.full.seconds or 0.0 for turn in turns)
    rest = max(turn.rest.seconds or 0.0 for turn in turns)
    deadlines = sum(turn.rest.by_time + turn.full.by_time for turn in turns)
    late = sum(turn.rest.late + turn.full.late for turn in turns)
    latest_ms = max((one.latest_ms or 0.0 for turn in turns for one in turn), default=0.0)
    return [
        Figure(
            name=f"seconds for {FULL} reviews in full batches",
            measured=full,
            beside=FULL_WITHIN_S,
            unit="s",
            asked=f"below {FULL_WITHIN_S:g} s",
            reached=full < FULL_WITHIN_S,
        ),
        Figure(
            name=f"seconds for {REST} reviews, half a batch over",
            measured=rest,
            beside=wait_s + REST_BEYOND_S,
            unit="s",
            asked=f"below the deadline of {wait_s:g} s plus {REST_BEYOND_S:g} s",
            reached=rest < wait_s + REST_BEYOND_S,
        ),
        Figure(
            name=f"latest of {deadlines} deadlines",
            measured=latest_ms,
            beside=MOST_LATE_MS,
            unit="ms",
            asked=f"none later than {MOST_LATE_MS:g} ms",
            reached=deadlines > 0 and late == 0,
        ),
    ]


def main(arguments: Sequence[str]) -> int:
    """Measure, print the figures, and return 0 if they are reached."""
    parser = argument_parser("reviews", __doc__)
    parser.add_argument("--turns", type=int, help=f"of both loads (default {TURNS})")
    asked = parser.parse_args(arguments)
    turns_asked = max(1, asked.turns or (QUICK_TURNS if asked.quick else TURNS))
    wait_s = QUICK_WAIT_S if asked.quick else WAIT_S
    report = BenchmarkReport(
        benchmark="reviews",
        question="how soon are reviews judged by a model that takes a second a call?",
        quick=asked.quick,
        beside_name="limit",
    )
    home = places.home()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="bench-reviews-") as name:
        directory = Path(name)
        os.environ["SEAWALL_HOME"] = str(directory / "home")
        stack = Stack.up(StackOptions(), owner="bench reviews")
        try:
            reviews = Reviews(stack, directory, wait_s, asked.seed)
            turns = [reviews.turn() for _ in range(turns_asked)]
        finally:
            stack.down()
    report.figures = figures_of(turns, wait_s)
    calls = sum(one.calls for turn in turns for one in turn)
    report.notes = [
        (
            f"{turns_asked} of each load: the slowest, from when the first review was due until the last result was"
            f" written; {calls:,} calls, eight under way side by side; each review held against its result."
        ),
        "How long a call takes is simulated; what is beyond it is the log, the worker and the database.",
    ]
    return finish(report, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
