"""``python -m workers.spark_job.reference``: the same features without Spark, for whoever holds the job to them.

Reads messages of the reviews' topic, a line each, and prints the features of each; a review that comes twice is
printed once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import cast

from contract.entities import Review, parse
from contract.features import canonical
from contract.reviews import REVIEWS
from workers.spark_job.text import features_of

_SATURDAY = 5


def features(review: Review) -> bytes:
    """Return the features of a review in their canonical form."""
    written = review.written_at.astimezone(UTC)
    return canonical(
        {
            "id": str(review.id),
            "job_id": str(review.job_id),
            "rating": review.rating,
            **features_of(review.review_text)._asdict(),
            "hour": written.hour,
            "weekday": written.weekday(),
            "weekend": written.weekday() >= _SATURDAY,
        }
    )


def distinct(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the features of each review once."""
    seen = set()
    for line in lines:
        review = cast("Review", parse(REVIEWS, line))
        if review.id not in seen:
            seen.add(review.id)
            yield features(review)


if __name__ == "__main__":
    for found in distinct(sys.stdin.buffer):
        sys.stdout.buffer.write(found + b"\n")
