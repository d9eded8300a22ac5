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

from api.problems import Unavailable
from api.settings import Settings
from contract.cache_client import CACHE_DOWN

log = logging.getLogger(__name__)

_KEYS_A_SCAN = 1_000
_MOST_SCANS = 20
"""A Valkey full of other people's keys is not looked through to its end."""


def client_of(url: str, settings: Settings, *, patience_s: float | None = None) -> Redis:
    """Return a client that fails fast instead of trying again: the caller has somewhere else to ask.

    One who has not may wait for *patience_s*.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=settings.cache_connections,
        timeout=settings.cache_timeout_s,
        socket_timeout=patience_s or settings.cache_timeout_s,
        socket_connect_timeout=settings.cache_timeout_s,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    return Redis.from_pool(pool)


class SharedCache(Protocol):
    """A cache that may lose everything at any time, and never raises for it."""

    @property
    def failures(self) -> int:
        """How often it did not answer."""
        ...

    @property
    def skipped(self) -> int:
        """How often it was not even asked, because it had just failed."""
        ...

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the records that are known, as JSON by key."""
        ...

    async def some(self, prefix: str, count: int) -> dict[str, bytes]:
        """Return some of what is known under keys that begin with *prefix*, about *count* at most."""
        ...

    async def put(self, bodies: Mapping[str, bytes], ttl_s: float | None = None) -> None:
        """Keep *bodies* by key for some time, for *ttl_s* where they are no records."""
        ...

    async def forget(self, keys: Sequence[str]) -> None:
        """Forget *keys*."""
        ...

    async def check(self) -> None:
        """Return when the cache answers; raises `Unavailable` if not."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class NoSharedCache:
    """Knows nothing and keeps nothing."""

    failures = skipped = 0

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:  # noqa: ARG002 - the protocol's signature
        """Return nothing."""
        return {}

    async def some(self, prefix: str, count: int) -> dict[str, bytes]:  # noqa: ARG002 - the protocol's signature
        """Return nothing."""
        return {}

    async def put(self, bodies: Mapping[str, bytes], ttl_s: float | None = None) -> None:
        """Keep nothing."""

    async def forget(self, keys: Sequence[str]) -> None:
        """Forget nothing."""

    async def check(self) -> None:
        """Raise nothing: what is not configured cannot fail."""

    async def close(self) -> None:
        """Close nothing."""


class ValkeyCache:
    """Valkey behind a circuit breaker: after a failure it is left alone for a while.

    So a Valkey that is down costs one time-out in a while, and not one a lookup.
    """

    def __init__(self, client: Redis, settings: Settings, *, name: str = "cache") -> None:
        """*name* is what the log calls it."""
        self._client, self._name = client, name
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
            bodies = await self._bodies(keys)
        except CACHE_DOWN as error:
            self._note_failure(error)
            return {}
        return {key: body for key, body in zip(keys, bodies, strict=True) if body is not None}

    async def some(self, prefix: str, count: int) -> dict[str, bytes]:
        """Look through a part of Valkey, unless it has just failed."""
        if self._is_paused():
            return {}
        keys: list[str] = []
        cursor = 0
        try:
            for _ in range(_MOST_SCANS):
                cursor, found = await self._client.scan(cursor, match=f"{prefix}*", count=_KEYS_A_SCAN)
                keys += (key.decode() for key in cast("list[bytes]", found))
                if not cursor or len(keys) >= count:
                    break
        except CACHE_DOWN as error:
            self._note_failure(error)
            return {}
        return await self.get(keys[:count]) if keys else {}

    async def put(self, bodies: Mapping[str, bytes], ttl_s: float | None = None) -> None:
        """Store *bodies* in Valkey, unless it has just failed."""
        if not bodies or self._is_paused():
            return
        ttl_ms = self._ttl_ms if ttl_s is None else ttl_s * 1000
        pipeline = self._client.pipeline(transaction=False)
        for key, body in bodies.items():
            pipeline.set(key, body, px=max(1, int(ttl_ms * (1 - self._jitter * random.random()))))
        try:
            await pipeline.execute()
        except CACHE_DOWN as error:
            self._note_failure(error)

    async def forget(self, keys: Sequence[str]) -> None:
        """Delete *keys* from Valkey, unless it has just failed."""
        if not keys or self._is_paused():
            return
        try:
            await self._delete(keys)
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

    @property
    def is_paused(self) -> bool:
        """Whether it has just failed."""
        return time.monotonic() < self._closed_until_s

    async def _bodies(self, keys: Sequence[str]) -> list[bytes | None]:
        return cast("list[bytes | None]", await self._client.mget(keys))

    async def _delete(self, keys: Sequence[str]) -> None:
        await self._client.delete(*keys)

    def _is_paused(self) -> bool:
        self.skipped += self.is_paused
        return self.is_paused

    def _note_failure(self, error: Exception) -> None:
        self.failures += 1
        if not self.is_paused:  # of many that fail at once, one speaks
            log.warning(
                "%s: %s; its lookups go to the database for %.1f s", self._name, type(error).__name__, self._pause_s
            )
        self._closed_until_s = time.monotonic() + self._pause_s
