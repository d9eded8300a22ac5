"""What `stream cache` concludes: what a fleet's cache saves, how much quicker it is, and how old its answers get."""

from __future__ import annotations

import msgspec

from seawall.result.outcome import Outcome, Quantiles


class FleetMoment(msgspec.Struct, kw_only=True, frozen=True):
    """The cache at one moment, and what was picked in the second before."""

    at_s: float
    """From the schedule's start."""
    users: int | None = None
    products: int | None = None
    """Entries of each hash; None where the cache did not answer."""
    age_s: float | None = None
    """Of the half that was loaded longest ago; None before both were."""
    orders: int = 0
    hit_rate: float | None = None
    """Of the picks in this second; None where the cache was not asked."""
    queries: int = 0
    """Statements of picks in this second."""
    pick_p95_ms: float | None = None


class FleetClaim(msgspec.Struct, kw_only=True, frozen=True):
    """A claim of the cache, beside what was measured."""

    rows: int
    name: str
    claimed: str
    measured: str
    holds: bool | None
    """None where the trials do not tell."""
    why: str = ""


class Outage(msgspec.Struct, kw_only=True, frozen=True):
    """Nodes of the cache's cluster that were away in the middle of a trial, and what became of the orders meanwhile."""

    nodes: list[str]
    """By the names of their services; that which holds the fleet's users is the first."""
    begin_s: float
    """From the schedule's start, once they were gone."""
    end_s: float
    """When they were let back."""
    orders: int = 0
    """That were due to be picked meanwhile."""
    from_database: int = 0
    """Of these, for how many the database was asked in the cache's place."""
    failed: int = 0
    """Of these, how many were not accepted."""
    back_s: float | None = None
    """From the end until picks came from the cache again, and went on doing so; None where they did not."""
    whole: bool = False
    """Whether all nodes knew of each other again, in time."""


class FleetFinding(msgspec.Struct, kw_only=True, frozen=True):
    """One trial of the fleet: with the cache, or without."""

    arm: str
    trial: str
    rows: int
    """Users in the table."""
    source: str
    """``cache`` or ``database``: who was asked for whom to pick."""
    begun: str = ""
    """``warm`` or ``cold``: whether the cache was full when the orders began."""
    orders: int = 0
    acknowledged: int = 0
    hits: int = 0
    misses: int = 0
    """Picks for which the cache was asked and the database answered."""
    errors: int = 0
    """Those of the misses where the cache did not answer; the others found it empty."""
    nobody: int = 0
    """Picks that nobody answered, so that there was no order."""
    pick_queries_per_min: float = 0.0
    """Statements of the picks."""
    load_queries_per_min: float = 0.0
    """Of the loader."""
    api_queries_per_min: float | None = None
    """Of the API's lookups, which check each order."""
    counted_per_min: float | None = None
    """All statements that read users, products or grades, as the database counted them; None where it does not."""
    pick_ms: Quantiles = Quantiles()
    """Of the questions that this arm's source answered, at the producer."""
    miss_ms: Quantiles = Quantiles()
    """Of the picks that the cache did not answer, what was spent on it included."""
    bare_p50_ms: float | None = None
    """A round trip to this arm's source that asks for nothing."""
    server_ms: float | None = None
    """What the database itself took for a statement that reads users, products or grades, on average."""
    age_p50_s: float | None = None
    age_max_s: float | None = None
    """Of the entries that were picked."""
    changes: int = 0
    """Prices that were changed meanwhile."""
    stale: int = 0
    """Orders at a price that was changed already when the pick began."""
    stale_longest_s: float | None = None
    """For how long such a price had been another."""
    filled_s: float | None = None
    """From the schedule's start until both halves were loaded; 0 where they were before, None where never."""
    loads: int = 0
    load_failures: int = 0
    load_longest_s: float | None = None
    batches: int = 0
    """Of grades, that began in the trial."""
    batch_longest_s: float | None = None
    lost: int = 0
    doubled: int = 0
    pending: int = 0
    unknown: int = 0
    away: int = 0
    """Of the cluster's nodes, how many were to die."""
    outage: Outage | None = None
    """None where none was meant, or none came about."""
    outcome: Outcome
    reasons: list[str] = []
    moments: list[FleetMoment] = []

    @property
    def picks(self) -> int:
        """How often somebody was to be picked."""
        return self.orders + self.nobody

    @property
    def hit_rate(self) -> float | None:
        """The share of picks that the cache answered; None where it was not asked."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None

    @property
    def queries_per_min(self) -> float:
        """All statements: of picks, loader and the API's lookups."""
        return self.pick_queries_per_min + self.load_queries_per_min + (self.api_queries_per_min or 0.0)


class FleetFindings(msgspec.Struct, kw_only=True, frozen=True):
    """All of a run."""

    trials: list[FleetFinding] = []
    claims: list[FleetClaim] = []


CACHE = "stream-cache"
"""The experiment."""
WARM, COLD = "warm", "cold"
FROM_CACHE, FROM_DATABASE = "cache", "database"
