"""The path that stands in where a server is not configured."""

from __future__ import annotations

from typing import NoReturn

from api.problems import Unavailable
from api.writes.counts import PathCounts
from contract.entities import Entity, Record


class UnavailablePath:
    """Answers every write with 503 and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self._reason = reason
        self.counts = PathCounts()
        self.waiting = self.refused = 0

    async def start(self) -> None:
        """Open nothing."""

    async def stop(self) -> int:
        """Close nothing."""
        return 0

    async def write(self, entity: Entity, record: Record) -> NoReturn:  # noqa: ARG002 - the protocol's signature
        """Raise `Unavailable`."""
        raise Unavailable(self._reason, retry_after_s=30)
