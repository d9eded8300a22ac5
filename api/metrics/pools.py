"""Prometheus metrics of the database connections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from contract.families import gauges


class PoolCollector(Collector):
    """Connections of one process's pools."""

    def __init__(self, engines: Mapping[str, AsyncEngine]) -> None:
        """*engines* are those with a pool, by what they are for."""
        self._engines = engines

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics with their present values."""
        pools = {name: pool for name, engine in self._engines.items() if isinstance(pool := engine.pool, QueuePool)}
        yield gauges(
            "seawall_pool_connections",
            "Connections to the database, in use or idle",
            ["pool", "state"],
            {
                (name, state): figure
                for name, pool in pools.items()
                for state, figure in (("in_use", pool.checkedout()), ("idle", pool.checkedin()))
            },
        )
        yield gauges(
            "seawall_pool_size",
            "Most connections of the pool",
            ["pool"],
            {(name,): pool.size() for name, pool in pools.items()},
        )
