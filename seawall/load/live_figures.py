"""How a Locust run stands at a moment, in plain figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from locust.env import Environment
from locust.stats import StatsEntry

from contract.histogram import TIME_BOUNDS_NS
from seawall.load.live_wire import Endpoint, LiveFigures
from seawall.load.run_record import RunRecord

MOST_ENDPOINTS = 50
OTHERS = "(other endpoints)"
"""Stands for every name after the first ones: a label must have few values."""
_BOUNDS_MS = np.array(TIME_BOUNDS_NS) / 1e6


def live_figures(environment: Environment, record: RunRecord | None, outcome: str) -> LiveFigures:
    """Return how *environment* stands; *record* is that of the run that goes on, if one does."""
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
    if record is not None:
        healths = [share.health for share in record.processes if share.health is not None]
        found.unsent = record.unsent
        found.start_lag_p50_ms = record.start_lag_p50_ms or 0.0
        found.start_lag_p99_ms = record.start_lag_p99_ms or 0.0
        found.loop_lag_p99_ms = max((health.loop_lag_p99_ms for health in healths), default=0.0)
        found.cpu_share = max((health.cpu_share for health in healths), default=0.0)
        found.reconnects = sum(health.reconnects for health in healths)
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
