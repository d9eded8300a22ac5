"""One subscriber's queue, of bounded size: who does not take what is there is let go, and nobody waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum

from workers.feed.filters import Filter
from workers.feed.frames import Frame


class End(Enum):
    """Why a subscription ends: the close code of RFC 6455, and what is said to the subscriber."""

    GOING_AWAY = 1001, "the feed goes away: connect again with the last id"
    TOO_SLOW = 1008, "too slow: too much was waiting; connect again with the last id"
    KEY_REVOKED = 1008, "the key is not valid any more"
    SOURCE_LOST = 1011, "records cannot be read: connect again with the last id"

    @property
    def code(self) -> int:
        """The close code."""
        return self.value[0]

    @property
    def reason(self) -> str:
        """What is said."""
        return self.value[1]


class Ended(Exception):
    """There is nothing more to come."""

    def __init__(self, end: End) -> None:
        super().__init__(end.reason)
        self.end = end


class Subscription:
    """What waits for one subscriber; belongs to the event loop."""

    def __init__(self, wanted: Filter, most_bytes: int) -> None:
        self.filter = wanted
        self._most_bytes = most_bytes
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self.over: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        """Why it ended, once it has."""
        self._push: Callable[[Frame], bool] | None = None
        self._room: asyncio.Future[None] | None = None
        self.catching_up: asyncio.Task[None] | None = None
        """What brings it to the present, where it began in the past."""

    @property
    def is_present(self) -> bool:
        """Whether it gets what comes as it comes, and so far has taken everything."""
        return (self.catching_up is None or self.catching_up.done()) and not self._frames and not self.over.done()

    def begin(self, push: Callable[[Frame], bool]) -> None:
        """Hand over what waits, and from now on what comes: *push* writes a frame, or tells that there is no room."""
        self._push = push
        self.flush()

    def offer(self, frame: Frame) -> bool:
        """Hand *frame* over, or put it behind what waits. False once it has ended.

        Where what waits becomes too much, all of it is dropped.
        """
        if self.over.done():
            return False
        if not self._frames and self._push is not None and self._push(frame):
            return True
        # The first waits for room, whatever its size: what its subscriber has not seen yet does not make it slow.
        if len(self._frames) > 1 and self._bytes - self._frames[0].size + frame.size > self._most_bytes:
            self.finish(End.TOO_SLOW)
            return False
        self._frames.append(frame)
        self._bytes += frame.size
        return True

    def flush(self) -> None:
        """Hand over as much of what waits as there is room for."""
        while self._frames and self._push is not None and self._push(self._frames[0]):
            self._bytes -= self._frames.popleft().size
        if not self._frames:
            _resolve(self._room)

    def stop(self) -> None:
        """Hand over nothing any more, and let go of what waits."""
        self._push = None
        self._frames.clear()
        self._bytes = 0

    def finish(self, end: End) -> None:
        """End it; what waits is not delivered any more, as the last id says where to go on."""
        if not self.over.done():
            self.over.set_result(end)
            self._frames.clear()
            self._bytes = 0
            _resolve(self._room)

    async def drained(self) -> None:
        """Return once nothing waits any more; raises `Ended`."""
        while self._frames:
            self._room = asyncio.get_running_loop().create_future()
            await self._room
        if self.over.done():
            raise Ended(self.over.result())


def _resolve(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
