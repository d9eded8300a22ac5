"""What `stream ingest` concludes: what each path does with a burst."""

from __future__ import annotations

import msgspec

from seawall.result.findings import FaultMoment, JudgedTarget
from seawall.result.outcome import Outcome, Quantiles


class BurstStage(msgspec.Struct, kw_only=True, frozen=True):
    """What became of the requests that were due before, in or after a burst."""

    name: str
    """``before``, ``burst`` or ``after``."""
    begins_s: float
    """From the schedule's start."""
    duration_s: float
    rate_per_s: float
    offered: int = 0
    """Requests that were due in it, sent or not; the sum of the next five."""
    in_time: int = 0
    """Succeeded, and answered in time."""
    late: int = 0
    """Succeeded, and answered later than that."""
    refused: int = 0
    """Answered with 429 or 503."""
    failed: int = 0
    """Otherwise: another status, or no answer."""
    unsent: int = 0
    """All users still waited for answers when the time was up."""
    visible_late: int = 0
    """Of those that succeeded, how many records were not visible in time."""
    response_ms: Quantiles = Quantiles()
    """Of those that succeeded, from the moment at which they were due."""
    visible_ms: Quantiles = Quantiles()
    generator_lag_ms: Quantiles = Quantiles()
    invalid_because: list[str] = []
    """Where the generator itself was late."""
    targets: list[JudgedTarget] = []
    """Those of the set ``always`` that are meant for writes, but for what the audit counts over the whole trial."""
    outcome: Outcome = Outcome.INVALID
    """Of its targets."""


class BurstFinding(msgspec.Struct, kw_only=True, frozen=True):
    """One burst on one path: who absorbed it, who answered with errors, and when all of it was visible."""

    arm: str
    path: str
    trial: str
    """The trial's name."""
    base_per_s: float
    burst_per_s: float
    begin_s: float
    end_s: float
    """From the schedule's start."""
    answer: str = ""
    """What the path did with the burst, in words; empty where the trial does not tell."""
    stages: list[BurstStage] = []
    refused_p50_ms: float | None = None
    refused_p99_ms: float | None = None
    """From the sending of a request of the burst to its refusal."""
    lag_highest: int = 0
    """The most records that were accepted and not yet visible, at any moment."""
    all_visible_s: float | None = None
    """From the burst's end until everything that was due in it and accepted was visible; 0 where it was by then. None
    where something never was, or nothing was accepted."""
    recover_s: float | None = None
    """From the burst's end until all was as before: no more requests that failed, were late, or left a record that was,
    but for stalls of the machine. None where the run ended before."""
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    pending: int = 0
    unknown: int = 0
    """Records without a definite answer."""
    outcome: Outcome
    reasons: list[str] = []
    moments: list[FaultMoment] = []

    @property
    def burst(self) -> BurstStage | None:
        """The stage of the burst; None where the trial did not come to that."""
        return next((stage for stage in self.stages if stage.name == BURST), None)


INGEST = "stream-ingest"
"""The experiment."""
BEFORE, BURST, AFTER = "before", "burst", "after"
"""The stages that are judged, in their order."""
