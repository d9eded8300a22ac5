"""Bring a running stack back to its first state, and look at how far it is; clients stay open between calls."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from confluent_kafka import KafkaException

from contract.cache import EVERYTHING, INVALIDATION_CHANNEL
from contract.cache_client import CACHE_DOWN, cache_client
from contract.connections import MARIADB, POSTGRESQL, Connections
from contract.engine import add_base_rows, engine_of
from contract.fleet import FLEET_KEYS
from contract.ids import FIRST_RUN_ID, Run, mint
from contract.mariadb import LOCK_WAITED, number_of
from contract.tables import TABLES, dead_letters, review_results, sink_offsets, user_grades
from seawall.stack.errors import StillBusy, Unreachable
from seawall.stack.http_cache import forget_answers
from seawall.stack.log import Log
from seawall.stack.sink_group import SinkGroup
from seawall.stack.state import StackState
from seawall.stack.variables import transactional
from seawall.stack.warming import await_coordinator

_OWN_KEYS = "seawall:*"
_LOCKED_AT_MOST_S = 30
"""A service that goes on ends its transactions sooner; one that was stopped in the midst of one never does."""
_COORDINATOR_S = 5.0
_CACHE_S = 10.0
_LOCK_NOT_AVAILABLE = "55P03"


class Reset:
    """The stack's tables, topics and cache, as an administrator sees them."""

    def __init__(self, connections: Connections, state: StackState) -> None:
        self._connections, self._state = connections, state
        self._data = Path(state.data_dir)
        caches = [one for one in state.services.values() if one.kind == "valkey"]
        self._own_cache = bool(caches) and not any(one.external for one in caches)

    def fresh(self) -> None:
        """Empty tables, topics and cache, and add the base rows; raises `Unreachable`, or `StillBusy`."""
        with _answering():
            self._empty()

    def _empty(self) -> None:
        if self._log is not None:
            self._log.truncate()
        names = (*TABLES, *(table.name for table in (dead_letters, sink_offsets, user_grades, review_results)))
        # The cost is that of new empty files, however many rows there were.
        with self._engine.begin() as connection, _not_waiting_for_ever():
            if self._connections.database == MARIADB:
                connection.execute(sa.text(f"SET SESSION lock_wait_timeout = {_LOCKED_AT_MOST_S}"))
                for name in names:
                    connection.execute(sa.text(f"TRUNCATE TABLE `{name}`"))
            else:
                quoted = ", ".join(f'"{name}"' for name in names)
                connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_LOCKED_AT_MOST_S}s'"))
                connection.execute(sa.text(f"TRUNCATE {quoted}"))
            add_base_rows(connection)
        if self._connections.database == POSTGRESQL:
            self._write_out()
        self._forget()

    def _write_out(self) -> None:
        """Have written what the last trial left to write, which would otherwise be done during the next one.

        A server that is not ours may refuse it to this user; then it is as it is, for all arms alike.
        """
        with (
            contextlib.suppress(sa.exc.ProgrammingError),
            self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            connection.execute(sa.text("CHECKPOINT"))

    def forget_cached(self) -> None:
        """Empty the caches alone; raises `Unreachable`."""
        with _answering():
            self._forget()

    def _forget(self) -> None:
        if self._cache is not None:
            self._clear(self._cache)
        forget_answers(self._data)

    def row_counts(self, since_ms: int | None = None) -> dict[str, int]:
        """Return the rows of runs per entity, or of those that began at *since_ms* or later; raises `Unreachable`."""
        first = FIRST_RUN_ID if since_ms is None else mint(Run(since_ms, 0), 0, 0, 0)
        with _answering(), self._engine.connect() as connection:
            return {
                name: connection.scalar(sa.select(sa.func.count()).where(table.c.id >= first)) or 0
                for name, table in TABLES.items()
            }

    def lag(self) -> int:
        """Return the records that the sinks have not committed yet; raises `Unreachable`."""
        with _answering():
            return 0 if self._log is None else self._log.lag()

    def lags(self) -> dict[tuple[str, int], int]:
        """Return the same for each topic and partition; raises `Unreachable`."""
        with _answering():
            return {} if self._log is None else self._log.lags()

    def log_ends(self) -> dict[tuple[str, int], int]:
        """Return the offset behind the last record of each topic and partition; raises `Unreachable`."""
        with _answering():
            return {} if self._log is None else self._log.end_offsets()

    def sinks_at_work(self) -> set[str] | None:
        """Return the names of those that read, while every partition has one; else None. Raises `Unreachable`."""
        with _answering():
            return set() if self._log is None else self._sinks(self._log).at_work()

    def missing(self, sinks: int) -> str:
        """Return what log and *sinks* lack to do their work; empty where nothing. Raises `Unreachable`."""
        if self._connections.kafka_bootstrap_servers is None:
            return ""
        # one of its own each time: what has lost a group's coordinator once never finds it again (librdkafka 2.16)
        log = Log(self._connections.kafka)
        try:
            with _answering():
                if short := log.short_of_replicas():
                    return f"{', '.join(short)} lack replicas"
                await_coordinator(self._connections.kafka, _COORDINATOR_S)
                return "" if self._sinks(log).is_whole(sinks) else "the sinks' group is not whole"
        finally:
            log.close()

    def _sinks(self, log: Log) -> SinkGroup:
        return SinkGroup.of(self._state.services.items(), log.partitions)

    def close(self) -> None:
        """Close the clients."""
        if "_engine" in self.__dict__:
            self._engine.dispose()
        if self.__dict__.get("_cache") is not None:
            self.__dict__["_cache"].close()
        if self.__dict__.get("_log") is not None:
            self.__dict__["_log"].close()

    def _clear(self, cache: Any) -> None:
        if self._own_cache:
            cache.flushdb()
        else:
            for key in cache.scan_iter(match=_OWN_KEYS, count=1000):
                cache.unlink(key)
            cache.delete(*FLEET_KEYS)
        cache.publish(INVALIDATION_CHANNEL, EVERYTHING)

    @cached_property
    def _engine(self) -> sa.Engine:
        return engine_of(self._connections, pool_size=1, pool_pre_ping=True)

    @cached_property
    def _log(self) -> Log | None:
        return (
            None
            if self._connections.kafka_bootstrap_servers is None
            else Log(self._connections.kafka, lambda: transactional(self._state))
        )

    @cached_property
    def _cache(self) -> Any:
        """The cache's client; None where there is no cache."""
        if self._connections.cache_url is None:
            return None
        return cache_client(self._connections.redis_url, timeout_s=_CACHE_S, retries=1)


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Turn what the client libraries raise where a server is gone into `Unreachable`."""
    advice = "see the server's log, `bin/seawall status` and `bin/seawall doctor`"
    try:
        yield
    except KafkaException as error:
        raise Unreachable(f"Kafka does not answer: {error.args[0].str()}; {advice}") from error
    except sa.exc.DBAPIError as error:
        raise Unreachable(f"the database: {str(error.orig).strip().splitlines()[0]}; {advice}") from error
    except CACHE_DOWN as error:
        raise Unreachable(f"Valkey: {error}; {advice}") from error


@contextlib.contextmanager
def _not_waiting_for_ever() -> Iterator[None]:
    try:
        yield
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE and number_of(error) != LOCK_WAITED:
            raise
        raise StillBusy(
            f"the tables could not be emptied within {_LOCKED_AT_MOST_S} s, since a transaction of the service does not"
            " end: it has stopped, and further trials would say nothing; see its log"
        ) from error
