"""Reads from a replica of the database, as far as that can be told from reading the database itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from api.lookups.kinds import Asked
from api.lookups.source import Source
from api.problems import Unavailable
from contract.cache import Kind
from contract.entities import Entity

log = logging.getLogger(__name__)


class ReplicaSource:
    """Asks a replica, and the primary where the replica may not know yet.

    A replica is late by milliseconds, or by more. So what it does not have is asked of the primary, since it may have
    been written a moment ago, and what has to be of now is not asked of it at all. A replica that does not answer is
    left out: lookups then cost the primary what they would without one.
    """

    def __init__(self, replica: Source, primary: Source) -> None:
        self._replica, self._primary = replica, primary
        self._answers = True

    async def fetch(self, kind: Kind, asked: Sequence[Asked], *, now: bool = False) -> dict[Asked, bytes]:
        """Ask the replica first, unless it has to be true *now*; raises `Unavailable` where the primary cannot tell."""
        if now:
            return await self._primary.fetch(kind, asked, now=True)
        found: dict[Asked, bytes] = {}
        try:
            found = await self._replica.fetch(kind, asked)
        except Unavailable as problem:
            self._note(answers=False, why=problem.detail)
        else:
            self._note(answers=True)
        missing = [one for one in asked if one not in found]
        return {**found, **await self._primary.fetch(kind, missing)} if missing else found

    async def first(self, entity: Entity, count: int) -> dict[Asked, bytes]:
        """Ask the replica, or else the primary: these fill an empty memory, which announcements keep current."""
        try:
            return await self._replica.first(entity, count)
        except Unavailable:
            return await self._primary.first(entity, count)

    async def check(self) -> None:
        """Return when the primary answers; a replica is no condition."""
        await self._primary.check()

    async def close(self) -> None:
        """Close both."""
        await self._replica.close()
        await self._primary.close()

    def _note(self, *, answers: bool, why: str = "") -> None:
        """Say it once when the replica begins or ends to be left out."""
        if answers != self._answers:
            self._answers = answers
            if answers:
                log.info("lookups: the replica answers again")
            else:
                log.warning("lookups: the replica is left out: %s", why)
