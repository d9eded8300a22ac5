"""The result of an experiment: what `result.json` holds, and all that reports are made from.

Fields are only ever added. Times are seconds (`_s`), latencies milliseconds (`_ms`), rates per second (`_per_s`).
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

SCHEMA_VERSION = 1


class Outcome(StrEnum):
    """How a trial, a target or a run came out."""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"


class Quantiles(msgspec.Struct, kw_only=True, frozen=True):
    """A distribution in milliseconds; None where there were too few samples to say."""

    p50: float | None = None
    p50_low: float | None = None
    p50_high: float | None = None
    p95: float | None = None
    p95_low: float | None = None
    p95_high: float | None = None
    """The 95 % interval, allowing for bursts; an end is None where the run was too short to tell."""
    p99: float | None = None
    p99_low: float | None = None
    p99_high: float | None = None
    max: float | None = None
    mean: float | None = None
    samples: int = 0


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


class Arm(msgspec.Struct, kw_only=True, frozen=True):
    """A write path with its settings and the durability of its answer."""

    name: str
    path: str
    durability: str
    settings: dict[str, Any] = {}


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
    open_files: dict[str, int] = {}
    """At the trial's end, when the users had left."""
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
    def cpu_s_per_1000_rows(self) -> float | None:
        """CPU seconds of all servers (not of the load) for 1,000 stored rows; None where nobody measured."""
        servers = [seconds for name, seconds in self.cpu_s.items() if name != "load"]
        if not servers or not self.audit.stored:
            return None
        return sum(servers) / self.audit.stored * 1_000


class ArmComparison(msgspec.Struct, kw_only=True, frozen=True):
    """One metric of one arm against that of another, in one cell (kind, entity, count)."""

    base: str
    arm: str
    metric: str
    kind: str
    entity: str
    count: int | None = None
    ratio: float | None = None
    """How many times larger the arm's figure is than the base's (Hodges-Lehmann over trials)."""
    ci_low: float | None = None
    ci_high: float | None = None
    """The 95 % interval's ends; None where there were too few trials for one."""
    significant: bool = False
    """Whether the interval leaves out 1."""
    says: str = ""
    """larger, smaller, equivalent, no difference shown, or too few trials."""
    trials: int = 0
    """Trials of the arm that has fewer."""
    unequal: str = ""
    """How the two arms' durability differs, like "1 broker, page cache against fsync"; empty where it does not."""
    across_stacks: bool = False
    """Whether the two arms ran on stacks of their own, and so did not share servers."""
    trials_needed: int | None = None
    """Where there were too few trials: about how many an arm give an interval of 10 % to either side."""


class JudgedTarget(msgspec.Struct, kw_only=True, frozen=True):
    """One target held against the trials of one arm; figures are in the unit of their metric, None where unknown."""

    set: str
    name: str
    metric: str
    scope: str
    limit: str
    arm: str
    trials: int
    """Valid trials that the figure is taken over."""
    measured: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    samples: int = 0
    outcome: Outcome
    reason: str = ""


class ControlFinding(msgspec.Struct, kw_only=True, frozen=True):
    """Whether the instrument noticed one thing that was planted."""

    name: str
    planted: str
    expected: str
    """How it has to come out."""
    found: str = ""
    """How it came out."""
    outcome: Outcome
    """PASS: as expected; FAIL: otherwise; INVALID: the fault did not bite, so nothing was there to be found."""
    trials: list[str] = []
    seconds: float = 0.0


class LoadStep(msgspec.Struct, kw_only=True, frozen=True):
    """One load of a search, and what became of it."""

    load_per_s: float
    trial: str
    """The trial's name."""
    step: str
    """``held``, ``broke``, or ``untold`` where the instrument was the bottleneck."""
    reason: str = ""
    """What broke, or why nothing is told."""
    share_of_knee: float | None = None
    """Of a load that was run after the search, to see how times rise towards the knee."""


class CapacityFinding(msgspec.Struct, kw_only=True, frozen=True):
    """The highest load at which an arm holds all targets."""

    arm: str
    path: str = ""
    database_delay_ms: float = 0.0
    """By how much each round trip to the database was made longer."""
    flush_delay_ms: float = 0.0
    """By how much each flush of the database's log was made longer."""
    burst_s: float | None = None
    """How long the load lasts; None for one that must be able to last."""
    last_pass_per_s: float | None = None
    """None where not even the least load held."""
    first_fail_per_s: float | None = None
    """None where the highest load that was to be tried held."""
    limit: str
    """What ends the range: ``targets``, ``instrument`` (can offer no more), or ``most`` (no more was to be tried)."""
    confirmed: bool
    """Two trials agree on each end."""
    steps: list[LoadStep] = []
    overload: str = ""
    """What became of the queue above the knee, where the log took more than could be written."""


class BreakEven(msgspec.Struct, kw_only=True, frozen=True):
    """Where the log begins to carry more than another path does."""

    base: str
    """The other path."""
    by: str
    """What is varied: ``rate``, ``database delay``, ``flush delay`` or ``burst``."""
    low: float | None = None
    high: float | None = None
    """It turns between these; None where it does not on that side, or nothing was measured there."""
    unit: str
    says: str


class Estimate(msgspec.Struct, kw_only=True, frozen=True):
    """A fitted figure with its 95 % interval."""

    value: float
    low: float
    high: float


class ScalePoint(msgspec.Struct, kw_only=True, frozen=True):
    """What a record cost with so many processes (or partitions), over the judged time of one trial."""

    count: int
    trial: str
    """The trial's name."""
    cost_us: float | None = None
    """Processor microseconds a record, of all scaled processes together; None where nothing could be told."""
    projected_per_s: float | None = None
    """Projected and not measured: what *count* processes would carry with a core each, at that cost a record."""
    busiest: float | None = None
    """The share of the busiest one, as a multiple of an even share; None where they differ in kind."""
    costs_us: dict[str, float] = {}
    """The same figure for every single server and generator process, scaled or not."""
    machine_busy: float | None = None
    """Share of all cores' time that anybody used."""
    rebalances: int | None = None
    """How often a sink got or gave partitions during the trial; None where the sinks' logs are not at hand."""
    invalid_because: list[str] = []
    """Why the point is no part of the law."""


class CurvePoint(msgspec.Struct, kw_only=True, frozen=True):
    """The mean throughput that the fitted law gives for so many processes."""

    count: int
    per_s: Estimate


class ScaleFinding(msgspec.Struct, kw_only=True, frozen=True):
    """How throughput, projected at a core a process, grows with the number of *what*."""

    what: str
    """``api``, ``sinks``, ``partitions`` or ``workers``."""
    points: list[ScalePoint] = []
    gamma: Estimate | None = None
    """The throughput of one, a second; None where no law was fitted."""
    alpha: Estimate | None = None
    """Contention: the share that all have to take turns at."""
    beta: Estimate | None = None
    """Coherency: what each pair costs."""
    peak: Estimate | None = None
    """How many have the most throughput; None where no peak is shown, or it lies beyond twice what was measured."""
    curve: list[CurvePoint] = []
    """The law from 1 to twice the largest number that was measured."""
    reason: str = ""
    """Why no law was fitted, or what it leaves open."""


class SoakSegment(msgspec.Struct, kw_only=True, frozen=True):
    """Where a trial stands in a soak: a row of trials on the same servers, whose rows stay."""

    trial: str
    """The trial's name."""
    sitting: int
    """Counts the calls that the soak took; in each the servers' memory begins anew."""
    at_s: float
    """When its schedule began, since the soak did."""
    warm_up: bool = False
    """Not judged, but for what became of its records."""


class SlopeFinding(msgspec.Struct, kw_only=True, frozen=True):
    """By how much a figure rises in an hour of a soak."""

    service: str
    """Whose it is: a server, ``load`` (the generator), or the arm."""
    metric: str
    """``memory``, ``open_files``, ``response_p95``, ``visible_p95`` or ``lag_maximum``."""
    unit: str
    """Of all figures below, each an hour; ``%`` is of the median."""
    per_hour: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    """The 95 % interval's ends; None where the soak does not bound them."""
    limit: float | None = None
    outcome: Outcome | None = None
    """None where it is shown and not judged."""
    reason: str = ""
    samples: int = 0


class StageFinding(msgspec.Struct, kw_only=True, frozen=True):
    """How an arm held one stage of load."""

    arm: str
    stage: str
    """Its range of requests a second, in words."""
    load_per_s: float
    """The range's upper end, at which the stage is run."""
    users: int
    trials: list[str] = []
    """Their names; empty where the stage was not run."""
    targets: list[JudgedTarget] = []
    outcome: Outcome | None = None
    """None where the stage was not run."""
    bottleneck: str = ""
    """What was at its limit where the stage did not pass."""
    advice: str = ""


class Result(msgspec.Struct, kw_only=True, frozen=True):
    """One run of an experiment."""

    schema_version: int = SCHEMA_VERSION
    experiment: str
    started_at: str
    finished_at: str
    seed: int
    outcome: Outcome
    interrupted: bool = False
    reasons: list[str] = []
    options: dict[str, Any] = {}
    environment: dict[str, Any] = {}
    arms: list[Arm] = []
    trials: list[Trial] = []
    comparisons: list[ArmComparison] = []
    targets: list[JudgedTarget] = []
    verdicts: dict[str, Outcome] = {}
    """Of each arm with judged trials."""
    audit: str = ""
    """Why the audit did not run, or over what it ran; empty where it is part of every trial."""
    not_judged: list[str] = []
    """Targets that were meant for this load and need what was not there, such as a database to be audited."""
    controls: list[ControlFinding] = []
    """Of an experiment whose services misbehave on purpose; no figure of its trials says anything else."""
    capacity: list[CapacityFinding] = []
    """What `capacity` found, a search each."""
    break_even: list[BreakEven] = []
    """What `capacity` found, an arm each."""
    scaling: list[ScaleFinding] = []
    """What `scale` found."""
    segments: list[SoakSegment] = []
    """Of a soak, as its trials follow one another."""
    slopes: list[SlopeFinding] = []
    """Of a soak's figures, over its longest sitting."""
    stages: list[StageFinding] = []
    """What `attain` found, an arm and stage each; `targets` holds the same rows, each with its stage in its name."""

    def arm(self, name: str) -> Arm:
        """Return the arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)


def write_result(result: Result, path: Path) -> None:
    """Write *result* as indented JSON; the file appears only when it is whole."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    partial.replace(path)


def read_result(path: Path) -> Result:
    """Read what `write_result` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Result)
