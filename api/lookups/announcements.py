"""Hearing from other processes what to forget."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from redis.asyncio import Redis

from api.lookups.memory import Memory
from api.lookups.shared import CACHE_DOWN
from contract.cache import EVERYTHING, INVALIDATION_CHANNEL

log = logging.getLogger(__name__)

_SILENCE_S = 5.0
_RETRY_S = 0.5


class Announcements(Protocol):
    """Keeps a `Memory` from holding what others have changed."""

    async def start(self) -> None:
        """Begin to listen."""
        ...

    async def stop(self) -> None:
        """Stop listening."""
        ...


class NoAnnouncements:
    """Nobody to hear from: the time to live alone bounds staleness."""

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""


class ValkeyAnnouncements:
    """Listens on `contract.cache.INVALIDATION_CHANNEL`.

    Whatever was announced while nobody listened is lost, so each new subscription begins by forgetting everything.
    """

    def __init__(self, client: Redis, memory: Memory) -> None:
        self._client = client
        self._memory = memory
        self._listener: asyncio.Task[None] | None = None
        self.subscriptions = 0

    async def start(self) -> None:
        """Listen in a task of its own."""
        self._listener = asyncio.create_task(self._listen(), name="announcements")

    async def stop(self) -> None:
        """End the task."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        await self._client.aclose(close_connection_pool=True)

    async def _listen(self) -> None:
        while True:
            try:
                await self._follow()
            except CACHE_DOWN as error:
                log.debug("announcements: %s; again in %.1f s", type(error).__name__, _RETRY_S)
            await asyncio.sleep(_RETRY_S)

    async def _follow(self) -> None:
        async with self._client.pubsub() as channel:
            await channel.subscribe(INVALIDATION_CHANNEL)
            while True:
                message = await channel.get_message(timeout=_SILENCE_S)
                if message is None:
                    # a connection that died without a word would leave us deaf: the answer must come
                    await asyncio.wait_for(channel.ping(), _SILENCE_S)
                elif message["type"] == "subscribe":
                    self.subscriptions += 1
                    self._memory.clear()
                elif message["type"] == "message":
                    self._forget(message["data"].decode())

    def _forget(self, key: str) -> None:
        if key == EVERYTHING:
            self._memory.clear()
        else:
            self._memory.forget(key)
