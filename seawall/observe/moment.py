"""What happened between two readings, as rates and shares: what `watch` shows and prints as JSON."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from seawall.observe.fleet import FleetReading
from seawall.observe.machine import Room
from seawall.observe.readings import Reading
from seawall.stack.samples import Samples

WRITE_PATHS = ("sync", "grouped", "kafka")
LOOKUP = "lookup"
_P95 = 0.95
_ERRORS = ("5xx", "none")


class Traffic(msgspec.Struct, kw_only=True, frozen=True):
    """The requests of one path."""

    per_s: float
    refused_per_s: float
    """Answers of the class 4xx."""
    failed_per_s: float
    """Of the class 5xx, and requests whose client went before there was an answer."""
    p95_ms: float | None
    """None where there was no answer in this time."""
    under_way: int


class Rows(msgspec.Struct, kw_only=True, frozen=True):
    """What the sinks made visible."""

    per_s: float
    duplicates_per_s: float
    dead_letters_per_s: float
    delay_p95_ms: float | None
    """From log to row, of the first record of each batch."""
    batch_mean: float | None


class CacheContent(msgspec.Struct, kw_only=True, frozen=True):
    """What both caches hold, and what they saved."""

    memory_entries: int
    """Of all API processes together."""
    valkey_keys: int | None
    valkey_bytes: int | None
    lookups_per_s: float
    memory_share: float | None
    """Of the lookups that memory answered; None where there was none, as the next two."""
    valkey_share: float | None
    database_share: float | None
    failures_per_s: float


class FleetContent(msgspec.Struct, kw_only=True, frozen=True):
    """The hashes of the cache fleet, and what its readers came to."""

    users: int | None
    products: int | None
    """Entries; None where Valkey did not say."""
    age_s: float | None
    """Of the half that was loaded longest ago; None before both were."""
    picks_per_s: float
    hit_rate: float | None
    """None where nothing was picked in this time."""


class DatabaseWork(msgspec.Struct, kw_only=True, frozen=True):
    """What the database did."""

    lookup_queries_per_min: float
    """Statements of the lookups, which the caches are to spare it."""
    transactions_per_min: float | None
    rows_inserted_per_s: float | None
    connections: int | None
    waiting_for_locks: int | None
    size_bytes: int | None


class Work(msgspec.Struct, kw_only=True, frozen=True):
    """What a process, or a container, did and holds."""

    cores: float | None
    """Processors that it kept busy; None where it was not there before, or was started again."""
    memory_bytes: int


class Load(msgspec.Struct, kw_only=True, frozen=True):
    """What makes load, as far as it is shown."""

    users: int
    per_s: float
    failed_per_s: float
    p95_ms: float | None
    start_lag_p99_ms: float | None
    """None where no load that is shown tells it."""


class Moment(msgspec.Struct, kw_only=True, frozen=True):
    """A stack between two readings."""

    at: str
    """Now, ISO 8601."""
    seconds: float
    """Between the readings."""
    writes: dict[str, Traffic]
    lookups: Traffic
    refused_per_s: float
    """Requests that admission turned away."""
    rows: Rows | None
    """None without sinks."""
    lag: int | None
    cache: CacheContent
    database: DatabaseWork
    fleet: FleetContent | None
    """None where there is no cache fleet."""
    work: dict[str, Work]
    """By the name of the service, or of the pod."""
    disks: dict[str, Room]
    """By place."""
    load: Load | None
    """Of all loads that are shown; None where there is none."""
    troubles: list[str]


def moment(before: Reading, after: Reading) -> Moment:
    """Return what happened from *before* to *after*.

    Where a process was started again in between, its counts begin anew: then they are taken as they are.
    """
    seconds = max(after.at_s - before.at_s, 1e-9)
    grown = after.samples - before.samples
    if grown.began_anew:
        grown = after.samples
    return Moment(
        at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        seconds=round(seconds, 3),
        writes={path: _traffic(grown, after.samples, path, seconds) for path in WRITE_PATHS},
        lookups=_traffic(grown, after.samples, LOOKUP, seconds),
        refused_per_s=grown.sum("seawall_refused_total") / seconds,
        rows=_rows(grown, seconds) if "seawall_sink_records_total" in after.samples else None,
        lag=after.lag,
        cache=_cache(grown, after, seconds),
        database=_database(grown, before, after, seconds),
        fleet=_fleet(before.fleet, after.fleet, seconds) if after.fleet else None,
        work=_work(before, after, seconds),
        disks=after.rooms,
        load=_load(grown, after.samples, seconds) if "seawall_load_users" in after.samples else None,
        troubles=after.troubles,
    )


def _traffic(grown: Samples, now: Samples, path: str, seconds: float) -> Traffic:
    by = grown.by("seawall_requests_total", "status", path=path)
    return Traffic(
        per_s=sum(by.values()) / seconds,
        refused_per_s=by.get("4xx", 0.0) / seconds,
        failed_per_s=sum(by.get(status, 0.0) for status in _ERRORS) / seconds,
        p95_ms=_ms(grown.quantile("seawall_request_seconds", _P95, path=path)),
        under_way=int(now.sum("seawall_requests_under_way", path=path)),
    )


def _rows(grown: Samples, seconds: float) -> Rows:
    by = grown.by("seawall_sink_records_total", "outcome")
    batches = grown.sum("seawall_sink_batch_records_count")
    return Rows(
        per_s=by.get("stored", 0.0) / seconds,
        duplicates_per_s=by.get("duplicate", 0.0) / seconds,
        dead_letters_per_s=by.get("dead_lettered", 0.0) / seconds,
        delay_p95_ms=_ms(grown.quantile("seawall_sink_delay_seconds", _P95)),
        batch_mean=grown.sum("seawall_sink_batch_records_sum") / batches if batches else None,
    )


def _cache(grown: Samples, after: Reading, seconds: float) -> CacheContent:
    by = grown.by("seawall_lookups_total", "answered_by")
    total = sum(by.values())
    return CacheContent(
        memory_entries=int(after.samples.sum("seawall_lookup_entries")),
        valkey_keys=after.cache.keys if after.cache else None,
        valkey_bytes=after.cache.memory_bytes if after.cache else None,
        lookups_per_s=total / seconds,
        memory_share=by.get("memory", 0.0) / total if total else None,
        valkey_share=by.get("shared", 0.0) / total if total else None,
        database_share=by.get("database", 0.0) / total if total else None,
        failures_per_s=grown.sum("seawall_cache_failures_total") / seconds,
    )


def _database(grown: Samples, before: Reading, after: Reading, seconds: float) -> DatabaseWork:
    now, then = after.database, before.database
    return DatabaseWork(
        lookup_queries_per_min=grown.sum("seawall_lookup_queries_total") / seconds * 60,
        transactions_per_min=(now.transactions - then.transactions) / seconds * 60 if now and then else None,
        rows_inserted_per_s=(now.inserted - then.inserted) / seconds if now and then else None,
        connections=now.connections if now else None,
        waiting_for_locks=now.waiting_for_locks if now else None,
        size_bytes=now.size_bytes if now else None,
    )


def _fleet(before: FleetReading | None, after: FleetReading, seconds: float) -> FleetContent:
    hits, misses = after.hits, after.misses
    if before is not None and before.hits <= hits and before.misses <= misses:
        hits, misses = hits - before.hits, misses - before.misses
    picks = hits + misses
    return FleetContent(
        users=after.users,
        products=after.products,
        age_s=after.age_s,
        picks_per_s=picks / seconds,
        hit_rate=hits / picks if picks else None,
    )


def _work(before: Reading, after: Reading, seconds: float) -> dict[str, Work]:
    found = {}
    for name, now in after.uses.items():
        then = before.uses.get(name)
        grown_s = now.cpu_s - then.cpu_s if then else -1.0
        found[name] = Work(cores=grown_s / seconds if grown_s >= 0 else None, memory_bytes=now.memory_bytes)
    return found


def _load(grown: Samples, now: Samples, seconds: float) -> Load:
    return Load(
        users=int(now.sum("seawall_load_users")),
        per_s=grown.sum("seawall_load_requests_total") / seconds,
        failed_per_s=grown.sum("seawall_load_failures_total") / seconds,
        p95_ms=_ms(grown.quantile("seawall_load_response_seconds", _P95)),
        start_lag_p99_ms=_ms(
            now.sum("seawall_load_start_lag_seconds", quantile="0.99")
            if "seawall_load_start_lag_seconds" in now
            else None
        ),
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3
