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
from datetime import timedelta
from pathlib import Path

import msgspec
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.cache_client import CACHE_DOWN
from contract.connections import Connections
from contract.errors import BadConnection
from contract.logs import LogFormat, start_logging
from contract.windows import Asked, Told, WindowResult, window_start
from workers.analytics.publisher import Publisher
from workers.analytics.window_tables import EPOCH, table_of

log = logging.getLogger(__name__)
READY = "ready"


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

    def __init__(self, settings: Settings, connections: Connections, publisher: Publisher) -> None:
        self._settings, self._publisher = settings, publisher
        self._table = table_of(connections, timedelta(seconds=settings.queries_window_s))
        self._tried_again: tuple[type[Exception], ...] = (*self._table.errors, *CACHE_DOWN)
        self._size_us = round(settings.queries_window_s * 1e6)
        self._lateness_us = round(settings.queries_lateness_s * 1e6)
        self._since_us = 0
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
                except self._tried_again as error:
                    log.warning("windows: %s", str(error).strip())
                    self._table.close()
                passed_s = (time.monotonic_ns() - begun_ns) / 1e9
                if not last:
                    self._stopping.wait(max(0.0, self._settings.queries_refresh_ms / 1000 - passed_s))
        self._table.close()
        self._publisher.close()

    def ask(self) -> list[WindowResult]:
        """Return the windows that may have changed."""
        found = self._table.windows(EPOCH + timedelta(microseconds=self._since_us))
        if found:
            oldest_us = found[-1].start_us - self._lateness_us - self._size_us
            self._since_us = max(self._since_us, window_start(oldest_us, self._size_us))
        return found


def main() -> int:
    """Ask until SIGTERM or SIGINT; return the exit code."""
    try:
        settings = Settings()
        start_logging(settings.log_format)
        connections = Connections.read()
        publisher = Publisher(connections.redis_url, settings.queries_name)
        queries = WindowQueries(settings, connections, publisher)
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
