"""What `stream spark` concludes: features of reviews by a Spark job, one setting at a time and all together."""

from __future__ import annotations

import msgspec

from seawall.result.outcome import Outcome, Quantiles
from seawall.result.second import Reached

SPARK = "stream-spark"
"""The experiment."""
BASELINE, TUNED, KILLED = "baseline", "all", "all-killed"
"""The arm that the others are held against, that with all settings changed, and that one killed in between."""


class SparkFinding(msgspec.Struct, kw_only=True, frozen=True):
    """One arm; all arms get the same reviews at the same times."""

    arm: str
    settings: dict[str, str | int] = {}
    """Of the job, as its variables name them without ``SEAWALL_SPARK_``."""
    master: str = ""
    reviews: int = 0
    acknowledged: int = 0
    messages: int = 0
    """That were sent; reviews that came twice are among them twice."""
    distinct: int = 0
    """Reviews with features."""
    written: int = 0
    """Messages with features."""
    repeats: int = 0
    """Messages of a review that had one already; whoever reads by key does not see them."""
    missing: int = 0
    """Acknowledged, and without features."""
    phantom: int = 0
    differing: int = 0
    """Messages that are not what plain Python finds, byte for byte in their canonical form."""
    dropped_late: int = 0
    """Rows that the watermark dropped; repeats of what is long done, or reviews."""
    unreadable: int = 0
    """Messages that are no review."""
    seconds: float | None = None
    """From when the first review was due at the steady rate until the last of these had features."""
    reviews_per_s: float | None = None
    delay_ms: Quantiles = Quantiles()
    """From when a review of the steady rate was due until its features were produced."""
    burst: int = 0
    """Reviews that then came at once."""
    burst_s: float | None = None
    """Until all of them had features."""
    batches: int = 0
    """Micro-batches."""
    batch_ms: float | None = None
    """The median of how long one took."""
    state_rows: int = 0
    """The most that the job kept."""
    state_bytes: int = 0
    """The memory of the state that held the most."""
    java_bytes: int = 0
    """The most that Java held: driver and executor where the master is local, else the driver."""
    python_bytes: int = 0
    """The most that its Pythons held at once."""
    cpu_s: float = 0.0
    started_s: float | None = None
    """From the start of the process until its query ran."""
    killed_at: int = 0
    """With so many reviews done it was killed; 0 where it was not."""
    back_s: float | None = None
    """From then until the next review had features."""
    load_late_ms: float = 0.0
    """By so much the load itself was late at most."""
    course: list[Reached] = []
    """How many reviews of the steady rate had features by when."""
    state_course: list[Reached] = []
    """How many rows of state there were by when."""
    outcome: Outcome
    reasons: list[str] = []
