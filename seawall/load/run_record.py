"""What is written down about a plain Locust run beside its requests, and said at its end."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from seawall.load.options import LoadOptions
from seawall.load.profile import Profile
from seawall.load.start_lag import StartLag
from seawall.result import InstrumentHealth

FILE_NAME = "run.json"
SCHEMA_VERSION = 1


class Share(msgspec.Struct, kw_only=True):
    """One process's part of a run."""

    worker: int
    """The number in its users' numbers; 0 where one process does it all."""
    host: str
    users: int = 0
    """Users that were started."""
    requests: int = 0
    unsent: int = 0
    """Requests that were due and not sent when their user left or the run ended."""
    start_lag: dict[int, int] = {}
    """As `StartLag` counts."""
    health: InstrumentHealth | None = None
    stage_loop_lag_p99_ms: list[float] = []
    """How late the event loop was in each stage of the profile, once that is over; empty without one."""
    cpu_s: float | None = None
    """Processor seconds of the generator while its schedule ran; None where nobody looked."""
    clock: str = "shared"
    """``shared``; ``measured``, where times of another host were converted by an offset that was measured; ``wall``,
    where they were by the wall clocks of both hosts, or told by one."""
    clock_ahead_ms: float | None = None
    """By how much the other host's wall clock is ahead of the master's."""
    clock_error_ms: float | None = None
    """The most by which that, and the conversion, can be wrong."""
    joined_s: float | None = None
    """How long after the start it came; None where it was there from the beginning."""
    complete: bool = True
    """False where the process ended without a word: its last seconds are missing."""


class RunRecord(msgspec.Struct, kw_only=True):
    """A plain Locust run, or one of k6."""

    schema_version: int = SCHEMA_VERSION
    tool: str = "locust"
    """What made the load: ``locust`` or ``k6``."""
    run_ms: int
    run_nonce: int
    seed: int
    entity: str
    loop: str
    """``open``: a schedule that answers do not stretch; ``closed``: each request follows an answer."""
    arrival: str
    rate_per_s: float | None
    """Of each user; None in a closed loop."""
    record_bytes: int | None
    compressibility: float | None
    key_skew: float
    partitions: int
    started_at: str
    host: str = ""
    started_ns: int = 0
    """Monotonic, on the clock of the ledger: the first user was about to start."""
    all_users_ns: int | None = None
    """When all users that were asked for had been started; None where the run ended before."""
    ended_ns: int = 0
    """When no user was to send any more."""
    scopes: dict[str, str] = {}
    """As the user classes say: the scope of targets of each endpoint that they name."""
    exceptions: dict[str, int] = {}
    """What went wrong in tasks and in what surrounds them, and how often."""
    users: int = 0
    planned: int = 0
    """Requests that were due up to the end."""
    requests: int = 0
    unsent: int = 0
    unsent_by_s: dict[int, int] = {}
    """Of those, how many were due in which second since the start, where that is known."""
    start_lag_p50_ms: float | None = None
    start_lag_p99_ms: float | None = None
    profile: Profile | None = None
    """What all users followed together, from `started_ns` on; None where each had a rate of its own."""
    places: int = 0
    """How many users it was dealt out to."""
    first_places: dict[int, int] = {}
    """The place of each process's first user, by the process's number; the others follow in the order of theirs."""
    processes: list[Share] = []
    refused: list[str] = []
    """Workers that were sent home, and why."""

    @classmethod
    def of(cls, options: LoadOptions, host: str, scopes: dict[str, str]) -> RunRecord:
        """Return the record of a run that begins now."""
        closed = options.arrival == "closed"
        return cls(
            run_ms=options.run.ms,
            run_nonce=options.run.nonce,
            seed=options.seed,
            entity=options.entity,
            loop="closed" if closed else "open",
            arrival=options.arrival,
            rate_per_s=None if closed or options.profile else options.rate_per_s,
            profile=options.profile,
            places=options.places,
            record_bytes=options.shape.record_bytes,
            compressibility=options.shape.compressibility,
            key_skew=options.key_skew,
            partitions=options.partitions,
            started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            host=host,
            started_ns=time.monotonic_ns(),
            scopes=scopes,
        )

    def follow(self, start_ns: int, first_places: dict[int, int]) -> int:
        """Note when the profile begins and who has which place; return when it will be over."""
        assert self.profile is not None
        self.started_ns = self.all_users_ns = start_ns
        self.first_places = first_places
        return start_ns + self.profile.length_ns

    def end(self) -> None:
        """Note, once, that no user is to send any more; a profile is over when it says so."""
        now_ns = time.monotonic_ns()
        if self.profile is not None and self.all_users_ns is not None:
            now_ns = max(self.started_ns, min(now_ns, self.started_ns + self.profile.length_ns))
        self.ended_ns = self.ended_ns or now_ns

    def so_far(self, shares: list[Share]) -> RunRecord:
        """Return the record of a run that goes on, with what all processes have done by now."""
        record = msgspec.structs.replace(self)
        record.conclude(shares)
        return record

    def conclude(self, shares: list[Share]) -> None:
        """Add up what all processes did."""
        self.processes = sorted(shares, key=lambda share: share.worker)
        self.users = sum(share.users for share in shares)
        self.requests = sum(share.requests for share in shares)
        self.unsent = sum(share.unsent for share in shares)
        self.planned = self.requests + self.unsent
        lag = StartLag()
        for share in shares:
            lag.merge(StartLag(share.start_lag))
        self.start_lag_p50_ms, self.start_lag_p99_ms = _rounded(lag.quantile_ms(0.5)), _rounded(lag.quantile_ms(0.99))

    def line(self) -> str:
        """Return the run in a line."""
        if self.start_lag_p99_ms is None:
            return f"{self.loop} loop ({self.arrival}): no request was sent, {self.unsent:,} were due"
        return (
            f"{self.loop} loop ({self.arrival}): start lag p50 {self.start_lag_p50_ms:g} ms,"
            f" p99 {self.start_lag_p99_ms:g} ms; not sent {self.unsent:,} of {self.planned:,}"
        )

    def write(self, directory: Path) -> None:
        """Write the record into *directory*."""
        partial = directory / f"{FILE_NAME}.partial"
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")
        partial.replace(directory / FILE_NAME)


def _rounded(value_ms: float | None) -> float | None:
    return None if value_ms is None else round(value_ms, 3)
