"""The second level: Valkey, shared by all API processes, or nothing."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping, Sequence
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

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the records that are known, as JSON by key."""
        ...

    async def put(self, bodies: Mapping[str, bytes]) -> None:
        """Keep *bodies* by key for some time."""
        ...

    async def check(self) -> None:
        """Return when the cache answers; raises `Unavailable` if not."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class NoSharedCache:
    """Knows nothing and keeps nothing."""

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:  # noqa: ARG002 - the protocol's signature
        """Return nothing."""
        return {}

    async def put(self, bodies: Mapping[str, bytes]) -> None:
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

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Ask Valkey, unless it has just failed."""
        if self._is_paused():
            return {}
        try:
            bodies = cast("list[bytes | None]", await self._client.mget(keys))
        except CACHE_DOWN as error:
            self._note_failure(error)
            return {}
        return {key: body for key, body in zip(keys, bodies, strict=True) if body is not None}

    async def put(self, bodies: Mapping[str, bytes]) -> None:
        """Store *bodies* in Valkey, unless it has just failed."""
        if not bodies or self._is_paused():
            return
        pipeline = self._client.pipeline(transaction=False)
        for key, body in bodies.items():
            pipeline.set(key, body, px=int(self._ttl_ms * (1 - self._jitter * random.random())))
        try:
            await pipeline.execute()
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
