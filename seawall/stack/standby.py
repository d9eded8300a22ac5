"""A second process of a service, which has loaded its program and takes over when the first one ends.

Most of the time until a Python service is back goes into its imports, on busy cores more than two seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from seawall.stack.children import Child
from seawall.stack.service import Service

_AFTER_S = 5.0
"""So long after its service's process began to work: loading takes a second of a core."""


class Standby:
    """Waits behind one service at a time; without any effect for those whose processes are not held at their start."""

    def __init__(self, service: Service, start: Callable[[Service], Awaitable[Child]]) -> None:
        """*start* makes a process of the service."""
        self._service, self._start = service, start
        self._child: Child | None = None
        self._made_with: tuple[list[str], dict[str, str]] = ([], {})
        self._settled = asyncio.Event()
        self._loading: asyncio.Task[None] | None = None

    def prepare(self) -> None:
        """Have one load in a while."""
        if self._service.held:
            self._settled.clear()
            self._loading = asyncio.create_task(self._load())

    async def take(self) -> Child | None:
        """Return the process that waits, if it was made as one would be made now; it is the caller's from here on."""
        await self._settle()
        child, self._child = self._child, None
        if child is None or child.exit_code is not None:
            return None
        if self._made_with == self._as_of_now():
            return child
        child.kill()
        await child.wait()
        return None

    async def close(self) -> None:
        """End what waits."""
        await self._settle()
        if self._child is not None:
            self._child.kill()
            await self._child.wait()

    async def _settle(self) -> None:
        """Have nothing more begin to load; a process that is being made is waited for, so that none is forgotten."""
        self._settled.set()
        if self._loading is not None:
            await self._loading
            self._loading = None

    async def _load(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), _AFTER_S)
            return
        self._made_with = self._as_of_now()
        with contextlib.suppress(OSError):  # without one the next start takes longer, and that is all
            self._child = await self._start(self._service)

    def _as_of_now(self) -> tuple[list[str], dict[str, str]]:
        return self._service.command(), self._service.environment()
