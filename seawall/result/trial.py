"""One trial: what was offered, what came of it, what it took, and what became of every record."""

from __future__ import annotations

import msgspec

from seawall.result.advice import FullScan, SlowStatement
from seawall.result.outcome import Outcome, Quantiles
from seawall.result.sweeps import DiskFigures, RebalanceFigures


class InstrumentHealth(msgspec.Struct, kw_only=True, frozen=True):
    """What the generator's process did to itself during a trial's schedule."""

    loop_lag_p99_ms: float = 0.0
    """How late the event loop came back to a greenlet that only sleeps."""
    loop_lag_max_ms: float = 0.0
    gc_pauses: int = 0
    gc_longest_ms: float = 0.0
    cpu_share: float = 0.0
    """Share of one core; a generator is one thread."""
    connections_opened: int = 0
    reconnects: int = 0
    """Connections opened beyond one a user."""
    clock_step_ms: float = 0.0
    """By how much the wall clock moved against the monotonic one."""


class ReaderFigures(msgspec.Struct, kw_only=True, frozen=True):
    """What an independent reader saw, who polled the table for some users' records."""

    visible_ms: Quantiles = Quantiles()
    """Their visible delay, to the end of the poll that saw them: too large by up to the resolution, never too small."""
    resolution_p50_ms: float | None = None
    resolution_p99_ms: float | None = None
    """Between the begins of two polls."""
    cpu_share: float = 0.0
    """Of one core, that the reader itself used."""


class LagFigures(msgspec.Struct, kw_only=True, frozen=True):
    """Consumer lag over the judged time: records acknowledged and not yet visible."""

    maximum: int = 0
    partition_maximum: dict[str, int] = {}
    slope_per_s: float | None = None
    slope_low: float | None = None
    slope_high: float | None = None
    """By how many records a second it grew, with its 95 % interval."""


class Course(msgspec.Struct, kw_only=True, frozen=True):
    """How a figure moved while a trial was judged, in windows of equal length."""

    steady: bool | None = None
    """None where the trial was too short, or windows without a figure leave it open."""
    drift: float = 0.0
    """From the first window to the last, as a share of the median."""
    drift_ms: float = 0.0
    reasons: list[str] = []
    """Why it is not steady."""


class AuditCounts(msgspec.Struct, kw_only=True, frozen=True):
    """What became of every record that was sent."""

    attempted: int = 0
    acknowledged: int = 0
    stored: int = 0
    dead_lettered: int = 0
    pending: int = 0
    lost: int = 0
    phantom: int = 0
    duplicates: int = 0
    corrupted: int = 0
    unknown: int = 0
    log_duplicates: int = 0
    """Records that lie in the log more than once; the sink absorbs them."""
    never_logged: int = 0
    """The lost ones that never reached the log."""
    not_stored: int = 0
    """The lost ones that the sinks passed in the log without storing them."""
    unknown_stored: int = 0
    """The unknown ones whose row is there."""
    unnoted: int = 0
    """Rows of load processes that died before they had noted them; none of the others counts these."""
    absorbed_duplicates: int = 0
    """Messages whose row the sinks found there already: records twice in the log, and batches that were repeated."""
    out_of_order: int = 0
    """Acknowledged records that lie in their partition behind a later one of the same user."""
    visible_out_of_order: int = 0
    """Rows that became visible before one from a lower offset of the same partition."""
    gaps: int = 0
    """Offsets without a message in a log that should have one at each."""
    inconsistent_offsets: int = 0
    """Offsets of which two readers tell different things."""
    offsets_ahead: int = 0
    """Offsets that were committed before the row was visible."""
    deleted_unread: int = 0
    """Offsets that were deleted from the log before a sink had read them: why records are *lost*, if they are."""
    contradicted: int = 0
    """Records said to be visible when the independent reader, beginning to look after that, did not see them."""

    def __add__(self, other: AuditCounts) -> AuditCounts:
        """Return the sums."""
        return AuditCounts(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})

    @property
    def violations(self) -> dict[str, int]:
        """The classes that should be empty and are not, the worst first."""
        return {name: getattr(self, name) for name in VIOLATIONS if getattr(self, name)}

    @property
    def clean(self) -> bool:
        """Whether every record is where it should be."""
        return not self.violations


VIOLATIONS = (
    "lost",
    "pending",
    "duplicates",
    "corrupted",
    "phantom",
    "contradicted",
    "offsets_ahead",
    "out_of_order",
    "visible_out_of_order",
    "gaps",
    "inconsistent_offsets",
)
"""The classes of `AuditCounts` that make a trial FAIL; `never_logged` and `not_stored` are parts of *lost*."""


class EndpointFigures(msgspec.Struct, kw_only=True, frozen=True):
    """The judged requests of one endpoint, such as ``POST /orders``."""

    name: str
    scope: str
    requests: int
    failed: int
    response_ms: Quantiles = Quantiles()


class ScopeFigures(msgspec.Struct, kw_only=True, frozen=True):
    """The part of a trial that belongs to one scope of targets; fields mean what they mean in `Trial`."""

    requests: int
    unsent: int = 0
    """By its share of the requests that were sent: nobody knows what an unsent one would have been."""
    failed: int = 0
    achieved_per_s: float | None = None
    response_ms: Quantiles = Quantiles()
    service_ms: Quantiles = Quantiles()
    response_course: Course = Course()
    windows: int = 0
    windows_available: int = 0
    invalid_because: list[str] = []


class LookupLevel(msgspec.Struct, kw_only=True, frozen=True):
    """What one level answered: ``http-cache``, ``memory``, ``shared`` (Valkey), ``database``, or ``nobody``."""

    lookups: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    """In the API, without HTTP, interpolated in the buckets of its histogram; None where none was timed. Of the
    ``http-cache`` it is the service time that its clients saw."""


class LookupKind(msgspec.Struct, kw_only=True, frozen=True):
    """Lookups of one kind, such as ``users``, as the API processes counted them."""

    lookups: int = 0
    anew: int = 0
    """Those that asked for the caches to be left out."""
    hits: int = 0
    """Answered from memory or from Valkey."""
    fetched: int = 0
    """Rows or answers that came from the database; the same one counts as often as it came."""
    there: int = 0
    """How many different ones there are; 0 where nobody knows how many can be asked for."""
    lives_s: float | None = None
    """How long the last level of caches keeps one."""


class LookupFigures(msgspec.Struct, kw_only=True, frozen=True):
    """Lookups over a whole trial, its warm-up included: what was read, and what writes had to know."""

    lookups: int
    anew: int
    """Those that asked for the caches to be left out."""
    hit_rate: float | None = None
    """Answered by a cache, of all that did not ask past them."""
    queries: int
    """Statements that the lookups sent to the database."""
    queries_per_min: float | None = None
    saved: float | None = None
    """The share of lookups that needed no statement."""
    levels: dict[str, LookupLevel] = {}
    kinds: dict[str, LookupKind] = {}


class LogFigures(msgspec.Struct, kw_only=True, frozen=True):
    """How records went through the log over a whole trial, as its clients counted: the evidence beside a knob."""

    records: int
    """Acknowledged to the API's producers."""
    requests: int
    """With which these were sent."""
    records_per_request: float | None = None
    bytes_per_record: float | None = None
    """Sent to the brokers, everything included."""
    fetches: int
    """By the sinks."""
    records_per_fetch: float | None = None
    """Of all fetches, those included that found nothing."""
    fetched_bytes_per_record: float | None = None
    rows_per_batch: float | None = None
    """Of the sinks' transactions."""
    linger_ms: float | None = None
    """What the producers ran with; None where they differ, or do not say. So it is with the next."""
    batch_bytes: int | None = None
    """Most bytes of a batch."""


class SpreadFigures(msgspec.Struct, kw_only=True, frozen=True):
    """How records lay in the partitions of their topics."""

    fullest: float
    """Records of the fullest partition, as a multiple of an even share; of the entity where it is most."""
    in_order: float | None = None
    """Of a user's records of one entity, the share that became visible no earlier than the one before it."""


class Trial(msgspec.Struct, kw_only=True, frozen=True):
    """One arm under one load on fresh state."""

    name: str
    kind: str
    """``data``: a number of records; ``load``: a rate for a time."""
    arm: str
    block: int
    entity: str
    started_at: str
    users: int
    count: int | None = None
    schedule_start_ns: int | None = None
    """Monotonic: when the warm-up began; the judged time follows it."""
    warmup_s: float = 0.0
    offered_per_s: float | None = None
    achieved_per_s: float | None = None
    """Records accepted and visible, a second: over the judged time, or over the duration of a *data* trial."""
    requests: int = 0
    unsent: int = 0
    """Requests that the schedule held and that were not sent when the time was up."""
    failed: int = 0
    status_4xx: int = 0
    status_5xx: int = 0
    no_answer: int = 0
    duration_s: float | None = None
    """From the first sending to the last visible row, or the judged time of a *load* trial."""
    response_ms: Quantiles = Quantiles()
    service_ms: Quantiles = Quantiles()
    visible_ms: Quantiles = Quantiles()
    visible_by: str = "answer"
    """Whose word the visible delay is: the ``answer``, the sinks' ``journal``, or an independent ``reader``."""
    end_to_end_ms: Quantiles = Quantiles()
    """From the intended time until a consumer had the record, where users wrote straight to Kafka."""
    start_lag_ms: Quantiles = Quantiles()
    generator_lag_ms: Quantiles = Quantiles()
    """The part of the start lag that is the generator's own."""
    instrument: InstrumentHealth = InstrumentHealth()
    response_course: Course = Course()
    visible_course: Course = Course()
    windows: int = 0
    """Whole seconds of the judged time in which requests were offered."""
    windows_available: int = 0
    """Those in which at least 99 % of them succeeded."""
    reader: ReaderFigures | None = None
    """None where no reader ran."""
    lag: LagFigures | None = None
    """None where nothing went through the log."""
    scopes: dict[str, ScopeFigures] = {}
    """Parts by scope of targets; empty where all requests are writes."""
    endpoints: list[EndpointFigures] = []
    """Empty where there is one endpoint only."""
    lookups: LookupFigures | None = None
    log: LogFigures | None = None
    """None where no API process of ours counted them from the trial's start to its end."""
    spread: SpreadFigures | None = None
    """How evenly partitions were filled, and what became of the order; None without a log."""
    disk: DiskFigures | None = None
    """What is left of the records on the brokers' disks; None where nobody looked, as most experiments do not."""
    rebalances: list[RebalanceFigures] = []
    """What each change of the sinks' group came to; first, how it was before. Empty where none was made."""
    ledger: str = ""
    """Where the requests lie, from the result's directory on; empty for the usual place."""
    audited: bool = True
    """Whether anybody looked what became of the records; where nobody did, `audit` and `visible_ms` say nothing."""
    drain_s: float | None = None
    cpu_s: dict[str, float] = {}
    cores: dict[str, float] = {}
    """How many cores each process kept busy in the judged time of a *load* trial."""
    rss_bytes: dict[str, int] = {}
    disk_bytes: dict[str, int] = {}
    """Written by each server, whatever of it was still in the page cache."""
    network_bytes: dict[str, int] = {}
    """Received by all interfaces of the ``machine``: the system does not tell it by process."""
    context_switches: dict[str, int] = {}
    gc_collections: dict[str, int] = {}
    """How often each process that tells looked for garbage; the generator, during its schedule."""
    open_files: dict[str, int] = {}
    """At the trial's end, when the users had left."""
    full_scans: list[FullScan] = []
    """Statements that read large tables as a whole; of databases of ours alone."""
    slow_statements: list[SlowStatement] = []
    """Those of which another reason is known; the same."""
    restarts: dict[str, int] = {}
    """Servers that died and came back in this trial."""
    audit: AuditCounts = AuditCounts()
    examples: dict[str, list[str]] = {}
    """The first ids of each class of the audit that should be empty."""
    invalid_because: list[str] = []
    """Why the figures say nothing about the service, whatever the audit found."""
    outcome: Outcome = Outcome.PASS
    reasons: list[str] = []

    @property
    def longest_stop_ms(self) -> float | None:
        """The longest stop of a partition that a change of the sinks' group brought; None where none was made."""
        stops = [one.longest_stop_ms for one in self.rebalances if one.what != "before"]
        return max((stop for stop in stops if stop is not None), default=None)

    @property
    def left_bytes_per_record(self) -> float | None:
        """Bytes left on the brokers' disks for each record that was written; None where nobody looked."""
        return None if self.disk is None else self.disk.bytes_per_record

    @property
    def cpu_s_per_1000_rows(self) -> float | None:
        """CPU seconds of all servers (not of the load) for 1,000 stored rows; None where nobody measured."""
        servers = [seconds for name, seconds in self.cpu_s.items() if name != "load"]
        if not servers or not self.audit.stored:
            return None
        return sum(servers) / self.audit.stored * 1_000
