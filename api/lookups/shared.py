"""The second level: Valkey, shared by all API processes, or nothing."""

from __future__ import annotations

import logging
import random
import time
from typing import Protocol, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from api.problems import Unavailable
from api.settings import Settings

log = logging.getLogger(__name__)

CACHE_DOWN = (RedisError, OSError, TimeoutError)
"""What the client raises when Valkey cannot be used."""


def client_of(url: str, settings: Settings) -> Redis:
    """Return a client that fails fast instead of trying again: the caller has somewhere else to ask."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=settings.cache_connections,
        timeout=settings.cache_timeout_s,
        socket_timeout=settings.cache_timeout_s,
        socket_connect_timeout=settings.cache_timeout_s,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    return Redis.from_pool(pool)


class SharedCache(Protocol):
    """A cache that may lose everything at any time, and never raises for it."""

    async def get(self, key: str) -> bytes | None:
        """Return the record under *key* as JSON, or None where it is not known."""
        ...

    async def put(self, key: str, body: bytes) -> None:
        """Keep *body* under *key* for some time."""
        ...

    async def check(self) -> None:
        """Return when the cache answers; raises `Unavailable` if not."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class NoSharedCache:
    """Knows nothing and keeps nothing."""

    async def get(self, key: str) -> bytes | None:  # noqa: ARG002 - the protocol's signature
        """Return None."""
        return None

    async def put(self, key: str, body: bytes) -> None:
        """Keep nothing."""

    async def check(self) -> None:
        """Raise nothing: what is not configured cannot fail."""

    async def close(self) -> None:
        """Close nothing."""


class ValkeyCache:
    """Valkey behind a circuit breaker: after a failure it is left alone for a while.

    So a Valkey that is down costs one time-out in a while, and not one a lookup.
    """

    def __init__(self, client: Redis, settings: Settings) -> None:
        self._client = client
        self._ttl_ms = settings.cache_ttl_s * 1000
        self._jitter = settings.ttl_jitter
        self._pause_s = settings.cache_pause_s
        self._closed_until_s = 0.0
        self.failures = 0
        self.skipped = 0

    async def get(self, key: str) -> bytes | None:
        """Ask Valkey, unless it has just failed."""
        if self._is_paused():
            return None
        try:
            return cast("bytes | None", await self._client.get(key))
        except CACHE_DOWN as error:
            self._note_failure(error)
            return None

    async def put(self, key: str, body: bytes) -> None:
        """Store *body* in Valkey, unless it has just failed."""
        if self._is_paused():
            return
        ttl_ms = int(self._ttl_ms * (1 - self._jitter * random.random()))
        try:
            await self._client.set(key, body, px=ttl_ms)
        except CACHE_DOWN as error:
            self._note_failure(error)

    async def check(self) -> None:
        """Ping, breaker or not."""
        try:
            await self._client.ping()
        except CACHE_DOWN as error:
            raise Unavailable(f"Valkey does not answer: {type(error).__name__}") from None
        self._closed_until_s = 0.0

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose(close_connection_pool=True)

    def _is_paused(self) -> bool:
        if time.monotonic() < self._closed_until_s:
            self.skipped += 1
            return True
        return False

    def _note_failure(self, error: Exception) -> None:
        self.failures += 1
        if time.monotonic() >= self._closed_until_s:  # of many that fail at once, one speaks
            log.warning("cache: %s; lookups go to the database for %.1f s", type(error).__name__, self._pause_s)
        self._closed_until_s = time.monotonic() + self._pause_s
