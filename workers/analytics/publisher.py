"""Puts the figures of windows where readers find them: in the cache, each publisher under keys of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from contract.cache_client import cache_client
from contract.windows import Told, WindowResult, keys_of

_TIMEOUT_S = 3.0


class Publisher:
    """One connection to the cache; raises one of `contract.cache_client.CACHE_DOWN` where that does not answer."""

    def __init__(self, redis_url: str, name: str) -> None:
        self._keys = keys_of(name)
        self._cache = cache_client(redis_url, timeout_s=_TIMEOUT_S, retries=1)
        self._encode = msgspec.json.Encoder().encode

    def begin(self) -> None:
        """Forget what an earlier process of this name has published."""
        self._cache.delete(*self._keys)

    def publish(self, windows: Sequence[WindowResult], too_late: Iterable[UUID], told: Told) -> None:
        """Publish all of it at once, so that no reader sees a part; the same again changes nothing."""
        with self._cache.pipeline(transaction=True) as pipeline:
            if windows:
                pipeline.hset(self._keys.windows, mapping={str(one.start_us): self._encode(one) for one in windows})
            if ids := list(map(str, too_late)):
                pipeline.sadd(self._keys.too_late, *ids)
            pipeline.set(self._keys.told, self._encode(told))
            pipeline.execute()

    def close(self) -> None:
        """Close the connection."""
        self._cache.close()
