"""Answers that are on their way while something is invalidated, or asked for anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from api.lookups.announcements import NoAnnouncements
from api.lookups.chain import Lookups
from api.lookups.kinds import Asked
from api.lookups.memory import Memory
from api.lookups.shared import NoSharedCache
from contract.cache import EVERYTHING, Kind, cache_key
from contract.entities import ENTITIES, Entity
from contract.ids import base_id

USERS = ENTITIES["users"]
FIRST = next(entity for entity in ENTITIES.values() if entity.lookup)
USER = base_id(0, USERS.number)
LATER = 0.001


class VersionedSource:
    """Stands for a database whose one record changes between two statements; answers when it is told to."""

    def __init__(self) -> None:
        self.statements = 0
        self.released = asyncio.Event()

    async def fetch(self, kind: Kind, asked: Sequence[Asked], *, now: bool = False) -> dict[Asked, bytes]:  # noqa: ARG002 - the protocol's signature
        """Return the number of this statement, once released."""
        self.statements += 1
        body = b"%d" % self.statements
        await self.released.wait()
        return dict.fromkeys(asked, body)

    async def first(self, entity: Entity, count: int) -> dict[Asked, bytes]:
        """Return one record, once released."""
        return await self.fetch(entity, [USER][:count])

    async def check(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


def talk(conversation: Callable[[Lookups, VersionedSource], Awaitable[None]], warm_entries: int = 0) -> None:
    """Run *conversation* with lookups whose memory is empty."""

    async def whole() -> None:
        source = VersionedSource()
        memory = Memory(entries=100, ttl_s=60, negative_ttl_s=1, jitter=0)
        lookups = Lookups(memory, NoSharedCache(), source, NoAnnouncements(), warm_entries=warm_entries)
        await conversation(lookups, source)

    asyncio.run(whole())


async def body_of(found: Awaitable[object]) -> object:
    """Return the body of what was found."""
    return getattr(await found, "body", None)


def test_an_answer_that_was_invalidated_on_its_way_is_not_remembered() -> None:
    """Who asked gets it, who asks next gets the next; so after all was forgotten nothing old comes back."""

    async def conversation(lookups: Lookups, source: VersionedSource) -> None:
        for number, key in enumerate((cache_key(USERS, USER), EVERYTHING)):
            source.released.clear()
            waiting = asyncio.create_task(body_of(lookups.get(USERS, USER)))
            await asyncio.sleep(LATER)
            lookups.forget(key)
            source.released.set()
            assert await waiting == b"%d" % (2 * number + 1)
            assert await body_of(lookups.get(USERS, USER)) == b"%d" % (2 * number + 2)
            lookups.forget(key)

    talk(conversation)


def test_what_is_asked_for_anew_is_asked_after_the_question() -> None:
    """A statement that is under way already does not count; those who wait for it are answered all the same."""

    async def conversation(lookups: Lookups, source: VersionedSource) -> None:
        early = asyncio.create_task(body_of(lookups.get(USERS, USER)))
        await asyncio.sleep(LATER)
        anew = [asyncio.create_task(body_of(lookups.get_anew(USERS, USER))) for _ in range(5)]
        await asyncio.sleep(LATER)
        source.released.set()
        assert await early == b"1"
        assert await asyncio.gather(*anew) == [b"2"] * 5
        assert await body_of(lookups.get(USERS, USER)) == b"2"

    talk(conversation)


def test_a_question_that_was_disowned_before_it_left_is_still_answered() -> None:
    """Nobody who waits is forgotten with the key."""

    async def conversation(lookups: Lookups, source: VersionedSource) -> None:
        source.released.set()
        first = lookups.ask(USERS, USER)
        lookups.forget_missing(USERS, USER)
        second = lookups.ask(USERS, USER)
        async with asyncio.timeout(5):
            assert await body_of(first) == await body_of(second) == b"1"
        assert source.statements == 1

    talk(conversation)


def test_a_start_that_is_invalidated_remembers_nothing_older() -> None:
    """Rows that were read before everything was forgotten stay unknown, those read after it do not."""

    async def conversation(lookups: Lookups, source: VersionedSource) -> None:
        starting = asyncio.create_task(lookups.start())
        await asyncio.sleep(LATER)
        lookups.forget(EVERYTHING)
        source.released.set()
        await starting
        assert lookups.known(FIRST, USER) is None
        assert lookups.known(USERS, USER)

    talk(conversation, warm_entries=10)
