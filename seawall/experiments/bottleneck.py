"""Which process kept a load from being carried, told by the processor time that each one took."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from seawall.result import Trial
from seawall.targets.metrics import METRICS

ONE_CORE = 0.85
"""A process of one thread that keeps so much of a core busy has no more to give: the rest goes in bursts."""
ALL_CORES = 0.85
"""So much of all cores: the rest is the kernel's, and that of processes that nobody counts."""

_MORE_OF_ONE = {
    "api": "start more API processes (--api-processes): one process uses one core",
    "sink": "start more sinks (--sinks), at most one for each partition: one process uses one core",
    "load": "the generator is one process of one core: load from several machines with plain Locust"
    " (--master and --worker), or ask for less",
}
_ON_A_FULL_MACHINE = {
    "api": "give the service more cores, and then more API processes (--api-processes)",
    "sink": "give the machine more cores, and then more sinks (--sinks)",
    "load": "run the load on a machine of its own, so that the service has these cores",
    "postgres": "commit more rows a transaction (the paths grouped and kafka do), or give the database more cores",
    "mariadb": "commit more rows a transaction (the paths grouped and kafka do), or give the database more cores",
    "kafka": "give the brokers more cores or machines of their own; without need of Kafka, the path grouped costs less",
    "http-cache": "give the HTTP cache a core of its own",
    "valkey": "give the cache a core of its own, or let more lookups be answered from the API's memory",
}


@dataclass(frozen=True)
class Bottleneck:
    """What was at its limit, and what to try."""

    what: str
    advice: str


NOTHING_SHORT = Bottleneck("", "")


def bottleneck_of(used: Mapping[str, float], cores: int, missed: Collection[str]) -> Bottleneck:
    """Return what kept the targets on the metrics *missed* from being held.

    *used* tells how many cores each process kept busy while it was judged, the generator under ``load``. A process of
    one thread that has no more to give is named before the machine as a whole, which is named before waits.
    """
    if missed and all(METRICS[name].of_records for name in missed):
        return Bottleneck("no process: records went astray", "see the audit, which names them")
    if set(missed) == {"users"}:
        return Bottleneck("none: fewer users were asked for than the target", "ask for as many (--users)")
    full = sum(used.values()) >= ALL_CORES * cores
    busy = {name: share for name, share in used.items() if _kind(name) in _MORE_OF_ONE and share >= ONE_CORE}
    if busy:
        late = all(name.startswith("visible") for name in missed)  # answered in time, and stored too late
        name = max(busy, key=lambda one: (late and _kind(one) == "sink", busy[one]))
        advice = (_ON_A_FULL_MACHINE if full else _MORE_OF_ONE)[_kind(name)]
        return Bottleneck(f"{name}: {busy[name]:.0%} of one core, and it is one thread", advice)
    if full:
        name = max(used, key=lambda one: used[one])
        advice = _ON_A_FULL_MACHINE.get(_kind(name), "give the machine more cores")
        whole = sum(used.values())
        return Bottleneck(f"the machine: {whole:.1f} of {cores} cores busy, {used[name]:.1f} of them by {name}", advice)
    if {"error_ratio", "availability"} & set(missed):
        return Bottleneck(
            "no process is busy: requests were refused, or nobody answered", "see 4xx and 5xx, and the servers' logs"
        )
    return Bottleneck(
        "no process is busy: requests wait (disk flush, locks, linger)",
        "see how long a flush takes (`bin/seawall doctor`); grouped and kafka share flushes among requests",
    )


def _kind(name: str) -> str:
    """Return what a service is: ``api-2`` is an ``api``."""
    return name.rstrip("0123456789").rstrip("-")


def cores_used(trials: Sequence[Trial]) -> dict[str, float]:
    """Return how many cores each process kept busy, on average over *trials*; by the whole trial where it was short."""
    shares = [trial.cores if len(trial.cores) > 1 else _over_the_trial(trial) for trial in trials]
    names = dict.fromkeys(chain.from_iterable(shares))
    return {name: sum(share.get(name, 0.0) for share in shares) / len(shares) for name in names}


def _over_the_trial(trial: Trial) -> dict[str, float]:
    length_s = trial.warmup_s + (trial.duration_s or 0.0) + (trial.drain_s or 0.0)
    return {name: seconds / length_s for name, seconds in trial.cpu_s.items()} if length_s else {}
