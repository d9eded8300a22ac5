"""How a Locust run stands at a moment, in plain figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from locust.env import Environment
from locust.stats import StatsEntry

from contract.histogram import TIME_BOUNDS_NS
from seawall.load.live_wire import Endpoint, LiveFigures
from seawall.load.run_record import RunRecord
from seawall.result import InstrumentHealth

MOST_ENDPOINTS = 50
OTHERS = "(other endpoints)"
"""Stands for every name after the first ones: a label must have few values."""
_BOUNDS_MS = np.array(TIME_BOUNDS_NS) / 1e6


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What is known of a run beside Locust's own figures."""

    unsent: int
    start_lag_p50_ms: float | None
    start_lag_p99_ms: float | None
    healths: list[InstrumentHealth]
    """Of each process that makes load and has told of itself."""

    @classmethod
    def of(cls, record: RunRecord) -> Self:
        """Return what a *record* tells."""
        return cls(
            unsent=record.unsent,
            start_lag_p50_ms=record.start_lag_p50_ms,
            start_lag_p99_ms=record.start_lag_p99_ms,
            healths=[share.health for share in record.processes if share.health is not None],
        )


def live_figures(environment: Environment, beside: Beside | None, outcome: str = "") -> LiveFigures:
    """Return how *environment* stands; *beside* is of the run that goes on, or was the last one."""
    runner: Any = environment.runner
    clients = getattr(runner, "clients", None)
    states: dict[str, int] = {}
    for client in clients.values() if clients is not None else ():
        states[client.state] = states.get(client.state, 0) + 1
    found = LiveFigures(
        running=runner.state in ("spawning", "running"),
        users=runner.user_count,
        users_wanted=runner.target_user_count,
        workers=states,
        endpoints=list(_endpoints(environment)),
        outcome=outcome,
    )
    if beside is not None:
        found.unsent = beside.unsent
        found.start_lag_p50_ms = beside.start_lag_p50_ms or 0.0
        found.start_lag_p99_ms = beside.start_lag_p99_ms or 0.0
        found.loop_lag_p99_ms = max((health.loop_lag_p99_ms for health in beside.healths), default=0.0)
        found.cpu_share = max((health.cpu_share for health in beside.healths), default=0.0)
        found.reconnects = sum(health.reconnects for health in beside.healths)
    return found


def _endpoints(environment: Environment) -> Iterator[Endpoint]:
    entries = list(environment.stats.entries.values())
    yield from (_endpoint(entry) for entry in entries[:MOST_ENDPOINTS])
    rest = entries[MOST_ENDPOINTS:]
    if rest:
        whole = StatsEntry(environment.stats, OTHERS, "", use_response_times_cache=False)
        for entry in rest:
            whole.extend(entry)
        yield _endpoint(whole)


def _endpoint(entry: StatsEntry) -> Endpoint:
    times_ms = np.fromiter(entry.response_times.keys(), np.float64, len(entry.response_times))
    counts = np.fromiter(entry.response_times.values(), np.int64, len(entry.response_times))
    buckets = np.zeros(len(_BOUNDS_MS) + 1, np.int64)
    np.add.at(buckets, np.searchsorted(_BOUNDS_MS, times_ms), counts)
    return Endpoint(
        entry.method or "",
        entry.name,
        entry.num_requests,
        entry.num_failures,
        float(entry.total_response_time) / 1e3,
        buckets.tolist(),
    )
