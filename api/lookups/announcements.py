"""Hearing from other processes what to forget."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Protocol

from redis.asyncio import Redis

from contract.cache import EVERYTHING, INVALIDATION_CHANNEL
from contract.cache_client import CACHE_DOWN

log = logging.getLogger(__name__)

SILENCE_S = 5.0
"""So long a connection may be silent. Shorter, a process that is late itself would take its own lateness for silence,
forget everything for it, and be later still: lookups of a full memory cost a tenth of those of an empty one."""
_RETRY_S = 0.5
_CANCEL_AGAIN_S = 0.2


Forget = Callable[[str], None]
"""Forgets a key, or `EVERYTHING`."""


class Announcements(Protocol):
    """Keeps a process from remembering what others have changed."""

    async def start(self, forget: Forget) -> None:
        """Begin to listen, and return once it is known whether anybody speaks; calls *forget* for what is announced."""
        ...

    async def stop(self) -> None:
        """Stop listening."""
        ...


class NoAnnouncements:
    """Nobody to hear from: the time to live alone bounds staleness."""

    async def start(self, forget: Forget) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""


class ValkeyAnnouncements:
    """Listens on `contract.cache.INVALIDATION_CHANNEL`.

    Whatever was announced while nobody listened is lost, so each new subscription begins by forgetting everything.
    """

    def __init__(self, *clients: Redis) -> None:
        self._clients = clients
        """One for each node of a cluster, any of which passes on what the others are told."""
        self._listener: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        """Whether the first attempt to subscribe is over, with or without success."""
        self.subscriptions = 0

    async def start(self, forget: Forget) -> None:
        """Listen in a task of its own."""
        self._listener = asyncio.create_task(self._listen(forget), name="announcements")
        await self._tried.wait()

    async def stop(self) -> None:
        """End the task."""
        if self._listener is not None:
            # the client can lose a cancellation that comes while it connects
            while not self._listener.done():
                self._listener.cancel()
                await asyncio.wait([self._listener], timeout=_CANCEL_AGAIN_S)
        for client in self._clients:
            await client.aclose(close_connection_pool=True)

    async def _listen(self, forget: Forget) -> None:
        for client in itertools.cycle(self._clients):
            try:
                await self._follow(client, forget)
            except CACHE_DOWN as error:
                log.debug("announcements: %s; again in %.1f s", type(error).__name__, _RETRY_S)
            self._tried.set()
            await asyncio.sleep(_RETRY_S)

    async def _follow(self, client: Redis, forget: Forget) -> None:
        async with client.pubsub() as channel:
            await channel.subscribe(INVALIDATION_CHANNEL)
            while True:
                message = await channel.get_message(timeout=SILENCE_S)
                if message is None:
                    # a connection that died without a word would leave us deaf: the answer must come
                    await asyncio.wait_for(channel.ping(), SILENCE_S)
                elif message["type"] == "subscribe":
                    self.subscriptions += 1
                    forget(EVERYTHING)
                    self._tried.set()
                elif message["type"] == "message":
                    forget(message["data"].decode())
