"""The cache fleet's hashes: how full they are, how old, and what those who read them came to."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from contract.cache_client import CACHE_DOWN, cache_client
from contract.fleet import COUNTS_KEY, HALVES, LOADED_KEY, PRODUCTS_KEY, USERS_KEY

_TIMEOUT_S = 1.0


class FleetReading(msgspec.Struct, kw_only=True, frozen=True):
    """The fleet's cache now."""

    users: int | None
    products: int | None
    """Entries; None where the cache does not answer."""
    age_s: float | None
    """Of the half that was loaded longest ago; None where one never was, or nobody says."""
    hits: int
    misses: int
    """Picks since the cache was emptied."""

    @property
    def there(self) -> bool:
        """Whether there is a fleet at all."""
        return bool(self.users or self.products or self.hits or self.misses)


class FleetCache:
    """A client of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Any = None

    def read(self) -> FleetReading:
        """Return what is there; what does not answer is None."""
        loaded: dict[bytes, bytes] = self._ask("hgetall", LOADED_KEY) or {}
        counts: dict[bytes, bytes] = self._ask("hgetall", COUNTS_KEY) or {}
        times = [float(loaded[half.encode()]) for half in HALVES if half.encode() in loaded]
        return FleetReading(
            users=self._ask("hlen", USERS_KEY),
            products=self._ask("hlen", PRODUCTS_KEY),
            age_s=max(0.0, time.time() - min(times)) if len(times) == len(HALVES) else None,
            hits=int(counts.get(b"hits", 0)),
            misses=int(counts.get(b"misses", 0)),
        )

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _ask(self, command: str, key: str) -> Any:
        try:
            if self._client is None:
                self._client = self._connect()
            return getattr(self._client, command)(key)
        except CACHE_DOWN:
            self.close()
            return None

    def _connect(self) -> Any:
        return cache_client(self._url, timeout_s=_TIMEOUT_S)
