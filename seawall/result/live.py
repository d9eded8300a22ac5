"""What `stream live` concludes: how a feed of accepted records reaches its subscribers."""

from __future__ import annotations

import msgspec

from seawall.result.findings import JudgedTarget
from seawall.result.outcome import Outcome, Quantiles
from seawall.result.second import Second
from seawall.result.trial import InstrumentHealth


class LiveFinding(msgspec.Struct, kw_only=True, frozen=True):
    """One trial of a feed: by the log, or by subscribers that ask the database again and again."""

    arm: str
    path: str
    source: str
    """``log`` or ``database``."""
    trial: str
    """The trial's name."""
    offered_per_s: float
    subscribers: int
    """Those that follow one buyer's orders each."""
    whole: int
    """Those beside them that follow all orders."""
    silent: int
    """Those beside them that follow all orders, and never read."""
    sse: int = 0
    """Of all of them, how many took server-sent events; the others WebSockets."""
    returned: int = 0
    """How many left once and came back with the last id."""
    connect_ms: Quantiles = Quantiles()
    """From the beginning of a connection until its first frame; who is refused counts as longer than all others."""
    refused: int = 0
    records: int = 0
    """Acknowledged records of the trial."""
    expected: int = 0
    """Acknowledged records of each subscriber's feed, over all subscribers that read."""
    delivered: int = 0
    missing: int = 0
    doubled: int = 0
    disordered: int = 0
    """Arrivals behind a record that lies further on in the same partition."""
    strayed: int = 0
    """Arrivals of records that are not of the subscriber's feed, or of no request at all."""
    examples: list[str] = []
    dropped: int = 0
    """Of the silent ones, how many the feed let go."""
    broken: dict[str, int] = {}
    """Other ends than their own of subscribers that read, and how often."""
    frames: int = 0
    deliveries_per_s: float = 0.0
    """Arrivals in the judged time."""
    arrival_ms: Quantiles = Quantiles()
    """From the moment at which a record was due to be sent until it arrived at a subscriber that was there all the
    time; what never arrived counts as longer than all others."""
    accepted_ms: Quantiles = Quantiles()
    """Of that, from the moment at which it was due to the answer that it is accepted."""
    propagation_ms: Quantiles = Quantiles()
    """From the answer until the feed hands it out; below 0 where the feed was quicker."""
    delivery_ms: Quantiles = Quantiles()
    """From there until it arrived at the subscriber."""
    instrument: InstrumentHealth = InstrumentHealth()
    """Of the subscribers' process."""
    feed_cpu_s: float = 0.0
    database_cpu_s: float = 0.0
    target: JudgedTarget | None = None
    answer: str = ""
    """In words; empty where the trial does not tell."""
    outcome: Outcome
    reasons: list[str] = []
    course: list[Second] = []
    """From due to arrived, by when records were due, the warm-up included; seconds without any are left out."""

    @property
    def flawless(self) -> bool:
        """Whether everything arrived, once, in order, and nothing else did."""
        return not (self.missing or self.doubled or self.disordered or self.strayed)


LIVE = "stream-live"
"""The experiment."""
