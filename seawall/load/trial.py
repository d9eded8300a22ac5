"""What an experiment asks of the generator process, and what it answers; one JSON line each."""

from __future__ import annotations

from typing import Literal

import msgspec

from contract.topics import PARTITIONS
from seawall.load.profile import Profile
from seawall.result import InstrumentHealth


class TrialLoad(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One trial's load: *count* records as fast as they are answered, or a *rate* kept for a time."""

    name: str
    path: str
    entity: str
    users: int
    seed: int
    directory: str
    """Where the ledger and Locust's CSV files go."""
    count: int | None = None
    rate_per_s: float | None = None
    """Of each user."""
    profile: Profile | None = None
    """What all users follow together in place of a rate that stays, warm-up included; *rate_per_s* is then the mean."""
    warmup_s: float = 0.0
    duration_s: float = 0.0
    grace_s: float = 10.0
    """How long after the schedule's end late requests may still be sent and answers awaited."""
    arrival: Literal["uniform", "poisson"] = "uniform"
    """How each user's intended times are spaced: evenly, or at random with the same mean."""
    record_bytes: int | None = None
    """About how long each record is; None leaves it as it is drawn."""
    compressibility: float | None = None
    """From 0 to 1; None leaves the records' text as it is drawn."""
    key_skew: float = 0.0
    """Zipf's exponent over the partitions of Kafka's topics; 0 spreads keys evenly."""
    partitions: int = PARTITIONS
    """Of each of Kafka's topics."""
    weights: dict[str, float] = {}
    """How often each kind of request comes, by the scope of targets that it belongs to; empty: writes alone."""
    new_connections: float = 0.0
    """The share of users who open a connection for each request."""
    tls: float = 0.0
    """The share of users who use TLS, at *tls_url*."""
    tls_url: str = ""
    run: tuple[int, int] | None = None
    """Milliseconds and nonce of the run whose ids are minted; None takes a new one."""


class Progress(msgspec.Struct, kw_only=True, frozen=True, tag="progress"):
    """How far a running trial is."""

    name: str
    answered: int
    failed: int


class TrialDone(msgspec.Struct, kw_only=True, frozen=True, tag="done"):
    """What the load side knows at a trial's end; everything else follows from the ledger."""

    name: str
    ledger: str
    """Directory of Parquet files."""
    start_ns: int
    """Monotonic: the first moment of the schedule, before the warm-up."""
    end_ns: int
    """Monotonic: the last moment of the schedule, or of the last answer where there is none."""
    planned: int
    """Requests that the schedule or the count asked for."""
    sent: int
    cpu_s: float
    rss_bytes: int
    interrupted: bool
    health: InstrumentHealth


class TrialFailed(msgspec.Struct, kw_only=True, frozen=True, tag="failed"):
    """The load could not be made at all."""

    name: str
    reason: str


Answer = Progress | TrialDone | TrialFailed
