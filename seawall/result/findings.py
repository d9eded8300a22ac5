"""What experiments conclude from their trials."""

from __future__ import annotations

import msgspec

from seawall.result.outcome import Estimate, Outcome, Quantiles


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
    bottleneck: str = ""
    """What was at its limit in the lowest load that broke a target; empty where none did."""
    advice: str = ""
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
    """How an arm held one stage of load: one of `attain`'s, or one of a plain run whose load changed."""

    arm: str
    stage: str
    """Its range of requests a second, in words; of a plain run the name of the stage."""
    load_per_s: float
    """The range's upper end, at which the stage is run; of a plain run the highest rate in it."""
    users: int
    judged: bool = True
    """False for a time in which the rate moved from one stage to the next: that is shown only."""
    begins_s: float | None = None
    """Of a plain run, as all that follows: when it began, from the start of the run."""
    duration_s: float | None = None
    from_per_s: float | None = None
    to_per_s: float | None = None
    """The rate moved in a line from the one to the other."""
    planned: int | None = None
    """Requests that the schedule held in it."""
    sent: int | None = None
    """Of those, how many were sent, late or not."""
    unsent: int | None = None
    """Those that were due before the run's end and were not sent."""
    achieved_per_s: float | None = None
    """Requests of its time that succeeded, a second."""
    response_ms: Quantiles = Quantiles()
    """Of all requests that were due in it, from their intended times on."""
    trials: list[str] = []
    """Their names; empty where the stage was not run, or not to its end."""
    targets: list[JudgedTarget] = []
    outcome: Outcome | None = None
    """None where the stage was not run."""
    bottleneck: str = ""
    """What was at its limit where the stage did not pass."""
    advice: str = ""


class FaultMoment(msgspec.Struct, kw_only=True, frozen=True):
    """A quarter of a second of a trial with a fault or a burst: of the requests that were due in it."""

    at_s: float
    """Its middle, from the schedule's start."""
    accepted_per_s: float = 0.0
    failed_per_s: float = 0.0
    response_p95_ms: float | None = None
    """Of those that succeeded."""
    visible_p95_ms: float | None = None
    lag: int = 0
    """Records accepted and not yet visible, at its end."""


class FaultFinding(msgspec.Struct, kw_only=True, frozen=True):
    """One fault in one trial: what it did, and what became of everything."""

    name: str
    does: str
    arm: str
    trial: str
    seed: int
    """Makes the same fault again, at the same moment and for as long."""
    begin_s: float | None = None
    end_s: float | None = None
    """From the schedule's start; None where the fault did not come about."""
    bit: str = ""
    """What shows that it had effect; empty where nothing does, and then the trial says nothing."""
    detect_s: float | None = None
    """From its begin to the first failed or late answer; None where clients noticed nothing."""
    recover_s: float | None = None
    """From its end until all was as before: no more requests that failed, were late, or left a record that was, but
    for stalls of the machine. None where the run ended before."""
    recovery_asked: bool = False
    """Whether the trial went on for long enough to ask for that."""
    failed: int = 0
    refused: int = 0
    """Answered with 429 or 503."""
    refused_p50_ms: float | None = None
    refused_p99_ms: float | None = None
    """How long those refusals took that were due a second after its begin or later."""
    unknown: int = 0
    """Records without a definite answer."""
    absorbed: int = 0
    """Records that came out of the log more than once, and were stored once."""
    lost: int = 0
    doubled: int = 0
    lookups: int = 0
    """Lookups of base rows beside the load, every other one past all caches."""
    lookups_failed: int = 0
    """Answered with anything but success, or not within two seconds."""
    lookup_longest_ms: float | None = None
    outcome: Outcome
    reasons: list[str] = []
    moments: list[FaultMoment] = []
    """Empty for one of many random faults that came out well."""
