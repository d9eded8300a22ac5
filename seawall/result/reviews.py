"""What `stream reviews` concludes: reviews judged by a slow model, in batches, one by one and job by job."""

from __future__ import annotations

import msgspec

from seawall.result.outcome import Outcome, Quantiles
from seawall.result.second import Reached

REVIEWS = "stream-reviews"
"""The experiment."""
BATCH, SINGLE, JOB, LISTS = "batch", "one-by-one", "per-job", "lists"
"""The arms: what one call asks about. All but the last read a message a review, `lists` a message a job."""


class ReviewsFinding(msgspec.Struct, kw_only=True, frozen=True):
    """One arm; all arms get the same reviews at the same times."""

    arm: str
    reviews: int = 0
    """That were sent."""
    jobs: int = 0
    acknowledged: int = 0
    judged: int = 0
    """With a result of the model's."""
    buried: int = 0
    """Dead letters, each with its reason in the table of results."""
    sentiments: dict[str, int] = {}
    missing: int = 0
    """Acknowledged, and neither judged nor buried."""
    phantom: int = 0
    mislabelled: int = 0
    unlettered: int = 0
    both: int = 0
    misordered: int = 0
    """Written before an earlier review of the same job."""
    seconds: float | None = None
    """From when the first review was due until the last was judged or buried; None where not all were."""
    reviews_per_s: float | None = None
    delay_ms: Quantiles = Quantiles()
    """From when a review was due until its result was written."""
    calls: int = 0
    """What the model is paid for: all of them, however they ended."""
    asked: int = 0
    """Reviews in all calls; those that were asked about again count again."""
    partial: int = 0
    """Calls whose answer left reviews out."""
    nonsense: int = 0
    """Calls whose answer was none."""
    throttled: int = 0
    """Calls answered with 429."""
    refused: int = 0
    unavailable: int = 0
    """Calls without an answer, or with an error."""
    error_ratio: float | None = None
    """Calls that ended otherwise than with a whole answer, as a share of all."""
    served_calls: int | None = None
    """Calls as the model's service counted them; None where the service is not ours."""
    breaker_opened: int = 0
    batches: int = 0
    by_size: int = 0
    """Batches that were full."""
    by_time: int = 0
    """Batches that were closed by their deadline."""
    late: int = 0
    """Of these, closed later than is claimed."""
    latest_ms: float | None = None
    """How long after its deadline the latest of them was closed."""
    memory_bytes: int = 0
    """The most that the worker held."""
    cpu_s: float = 0.0
    """Of the worker."""
    load_late_ms: float = 0.0
    """By so much the load itself was late at most."""
    course: list[Reached] = []
    """How many were judged or buried by when."""
    outcome: Outcome
    reasons: list[str] = []
