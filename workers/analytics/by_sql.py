"""``python -m workers.analytics.by_sql``: the same figures by asking the table again and again.

It asks for the windows that may still change, and publishes them where `work` publishes its own. A query costs what it
reads, so an index on `placed_at` should be there.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psycopg
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.cache_client import CACHE_DOWN
from contract.connections import Connections
from contract.errors import BadConnection
from contract.logs import LogFormat, start_logging
from contract.windows import TOP, Asked, Told, TopProduct, WindowResult
from workers.analytics.publisher import Publisher

log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
READY = "ready"
QUERY = f"""
WITH /* seawall windows */ by_product AS (
    SELECT date_bin(%(size)s, placed_at, 'epoch'::timestamptz) AS start, product_id,
           count(*) AS orders, sum(quantity) AS quantity, sum(total_cents) AS cents
    FROM orders WHERE placed_at >= %(since)s GROUP BY 1, 2
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY start ORDER BY cents DESC, product_id) AS place FROM by_product
)
SELECT start, sum(orders)::bigint, sum(quantity)::bigint, sum(cents)::bigint,
       array_agg(product_id::text ORDER BY place) FILTER (WHERE place <= {TOP}),
       array_agg(cents::bigint ORDER BY place) FILTER (WHERE place <= {TOP})
FROM ranked GROUP BY start ORDER BY start
"""  # noqa: S608 - a number of our own


class Settings(BaseSettings):
    """Environment variables with the prefix ``SEAWALL_``, or `.env`."""

    model_config = SettingsConfigDict(env_prefix="SEAWALL_", env_file=".env", extra="ignore", frozen=True)

    queries_name: str = Field(default="queries", pattern="^[A-Za-z0-9._-]{1,100}$")
    """Name of what is published, and of the file that says when."""
    queries_directory: Path = Path(".seawall/groups")
    queries_refresh_ms: float = Field(default=250.0, ge=10, le=60_000)
    """From the begin of one query to that of the next, where it does not take longer."""
    queries_window_s: float = Field(default=5.0, gt=0, le=86_400)
    queries_lateness_s: float = Field(default=2.0, ge=0, le=86_400)
    """Windows that ended longer ago than that, and one window more, are not asked for again."""
    log_format: LogFormat = "text"


class WindowQueries:
    """Asks and publishes until it is told to stop, and once more then."""

    def __init__(self, settings: Settings, database_url: str, publisher: Publisher) -> None:
        self._settings, self._url, self._publisher = settings, database_url, publisher
        self._size = timedelta(seconds=settings.queries_window_s)
        self._lateness = timedelta(seconds=settings.queries_lateness_s)
        self._since = _EPOCH
        self._connection: psycopg.Connection | None = None
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask for the end; callable from a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Ask again and again; a server that does not answer is asked again."""
        encode = msgspec.json.Encoder().encode
        self._settings.queries_directory.mkdir(parents=True, exist_ok=True)
        path = self._settings.queries_directory / f"{self._settings.queries_name}.asked.jsonl"
        with path.open("ab", buffering=0) as journal:
            self._publisher.begin()
            print(READY, flush=True)
            last = False
            while not last:
                last = self._stopping.is_set()
                begun_ns = time.monotonic_ns()
                try:
                    self._publisher.publish(self.ask(), (), Told())
                    journal.write(encode(Asked(begun_ns, time.monotonic_ns())) + b"\n")
                except (psycopg.Error, *CACHE_DOWN) as error:
                    log.warning("windows: %s", str(error).strip())
                    self._disconnect()
                passed_s = (time.monotonic_ns() - begun_ns) / 1e9
                if not last:
                    self._stopping.wait(max(0.0, self._settings.queries_refresh_ms / 1000 - passed_s))
        self._disconnect()
        self._publisher.close()

    def ask(self) -> list[WindowResult]:
        """Return the windows that may have changed."""
        if self._connection is None:
            self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=3, application_name="seawall-windows"
            )
        rows = self._connection.execute(QUERY, {"size": self._size, "since": self._since}).fetchall()
        if rows:
            oldest = rows[-1][0] - self._lateness - self._size
            self._since = max(self._since, _EPOCH + (oldest - _EPOCH) // self._size * self._size)
        return [
            WindowResult(
                start_us=(start - _EPOCH) // timedelta(microseconds=1),
                orders=orders,
                quantity=quantity,
                total_cents=cents,
                top=[TopProduct(*one) for one in zip(products, of_each, strict=True)],
            )
            for start, orders, quantity, cents, products, of_each in rows
        ]

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def main() -> int:
    """Ask until SIGTERM or SIGINT; return the exit code."""
    try:
        settings = Settings()
        start_logging(settings.log_format)
        connections = Connections.read()
        publisher = Publisher(connections.redis_url, settings.queries_name)
        queries = WindowQueries(settings, connections.psycopg_url, publisher)
    except BadConnection as error:
        print(f"queries: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        for flaw in error.errors():
            print(f"queries: SEAWALL_{str(flaw['loc'][0]).upper()}: {flaw['msg']}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: queries.stop())
    queries.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
