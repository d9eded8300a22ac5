"""Orders name users and products; what of those is not in memory is asked for once, and the order waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from new_records import new_record

from api.admission import LoopQueue
from api.answers import Answer
from api.ingest import DirectIngest
from api.lookups.announcements import NoAnnouncements
from api.lookups.chain import Lookups
from api.lookups.kinds import Asked
from api.lookups.memory import Memory
from api.lookups.shared import NoSharedCache
from api.problems import CROWDED, Unavailable
from api.settings import Settings
from api.writes.counts import PathCounts
from api.writes.protocol import LOGGED, Settle, Stored
from contract.cache import Kind
from contract.entities import ENTITIES, Entity, Record
from contract.ids import base_id

ORDERS, USERS, PRODUCTS = ENTITIES["orders"], ENTITIES["users"], ENTITIES["products"]
NOBODY = UUID(int=9)


class HeldSource:
    """Stands for the database: holds its answers back, and knows everybody but `NOBODY`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.released = asyncio.Event()
        self.problem: Unavailable | None = None

    async def fetch(self, kind: Kind, asked: Sequence[Asked], *, now: bool = False) -> dict[Asked, bytes]:  # noqa: ARG002 - it is never late
        """Answer once released."""
        self.asked.append((kind.name, len(asked)))
        await self.released.wait()
        if self.problem is not None:
            raise self.problem
        return {identity: b"{}" for identity in asked if identity != NOBODY}

    async def first(self, entity: Entity, count: int) -> dict[Asked, bytes]:  # noqa: ARG002 - the protocol's signature
        """Stand for what nobody calls here."""
        raise AssertionError

    async def check(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


class CountingPath:
    """Stores nothing, and says at once that it did."""

    status = LOGGED
    crowded = CROWDED

    def __init__(self) -> None:
        self.submitted: list[Record] = []
        self.is_crowded = False
        self.counts = PathCounts()
        self.waiting = self.refused = 0
        self.fault: Exception | None = None

    def refuses(self) -> bool:
        """Tell what the test says."""
        return self.is_crowded

    def submit(self, entity: Entity, record: Record, settle: Settle) -> None:  # noqa: ARG002 - the protocol's signature
        """Settle, or raise the fault."""
        if self.fault is not None:
            raise self.fault
        self.submitted.append(record)
        settle(Stored(record.id))

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> int:
        """Have given nothing up."""
        return 0

    async def write(self, entity: Entity, record: Record) -> Stored:  # noqa: ARG002 - the protocol's signature
        """Stand for what nobody calls here."""
        raise AssertionError


class Bench:
    """An ingest of orders, and what came of it."""

    def __init__(self) -> None:
        self.source, self.path = HeldSource(), CountingPath()
        memory = Memory(entries=1_000, ttl_s=60, negative_ttl_s=1, jitter=0)
        self.lookups = Lookups(memory, NoSharedCache(), self.source, NoAnnouncements())
        self.ingest = DirectIngest(ORDERS, self.path, self.lookups, LoopQueue(Settings()))
        self.answers: list[Answer] = []

    def send(self, user: UUID, product: UUID) -> bool:
        """Begin to store an order."""
        return self.ingest(
            msgspec.json.encode(new_record(ORDERS, user_id=user, product_id=product)), self.answers.append
        )

    async def settled(self, count: int) -> list[int]:
        """Return the statuses of the first *count* answers."""
        for _ in range(100):
            if len(self.answers) >= count:
                break
            await asyncio.sleep(0.001)
        return [answer.status for answer in self.answers]


def user(number: int) -> UUID:
    """Return the id of a user who is always there."""
    return base_id(number, USERS.number)


PRODUCT = base_id(0, PRODUCTS.number)


def test_orders_wait_for_what_is_not_in_memory_and_share_the_question() -> None:
    """A process with an empty memory asks for the first, and then for all that were missed meanwhile together."""

    async def talk() -> None:
        bench = Bench()
        assert bench.send(user(0), PRODUCT)
        await asyncio.sleep(0.01)
        for number in range(1, 50):
            assert bench.send(user(number), PRODUCT)
        await asyncio.sleep(0.01)
        assert sorted(bench.source.asked) == [("products", 1), ("users", 1)]
        assert not bench.answers
        assert not bench.path.submitted
        bench.source.released.set()
        assert await bench.settled(50) == [202] * 50
        assert sorted(bench.source.asked) == [("products", 1), ("users", 1), ("users", 49)]
        assert len(bench.path.submitted) == 50
        assert bench.send(user(7), PRODUCT)  # now from memory, within the call
        assert len(bench.answers) == 51

    asyncio.run(talk())


def test_a_crowded_path_refuses_before_anything_is_looked_at() -> None:
    """What is no record at all is left to the long way only by who is not refused."""

    async def talk() -> None:
        bench = Bench()
        bench.path.is_crowded = True
        assert bench.ingest.refusal() == CROWDED
        bench.path.is_crowded = False
        assert bench.ingest.refusal() is None
        assert not bench.ingest(b"no JSON", bench.answers.append)

    asyncio.run(talk())


def test_an_order_of_nobody_is_refused_and_then_left_to_the_long_way() -> None:
    """Nothing is submitted, and the problem names the field."""

    async def talk() -> None:
        bench = Bench()
        bench.source.released.set()
        assert bench.send(NOBODY, PRODUCT)
        assert await bench.settled(1) == [422]
        problem: dict[str, Any] = msgspec.json.decode(bench.answers[0].body)
        assert [flaw["pointer"] for flaw in problem["errors"]] == ["/user_id"]
        assert not bench.send(NOBODY, PRODUCT)  # that there is none is in memory
        assert not bench.path.submitted

    asyncio.run(talk())


def test_nothing_is_stored_while_nobody_can_tell() -> None:
    """The answer says that the same order may be sent again; the next question is asked anew."""

    async def talk() -> None:
        bench = Bench()
        bench.source.problem = Unavailable("the database does not answer")
        bench.source.released.set()
        assert bench.send(user(1), PRODUCT)
        assert await bench.settled(1) == [503]
        assert b"`user_id` cannot be checked" in bench.answers[0].body
        bench.source.problem = None
        assert bench.send(user(1), PRODUCT)
        assert await bench.settled(2) == [503, 202]
        assert len(bench.path.submitted) == 1

    asyncio.run(talk())


def test_a_path_that_takes_no_more_is_answered_for_at_once() -> None:
    """Whether the record waited or not: there may be many, and the long way costs more."""

    async def talk() -> None:
        bench = Bench()
        bench.source.released.set()
        bench.path.fault = Unavailable("too many records wait")
        assert bench.send(user(1), PRODUCT)
        assert await bench.settled(1) == [503]
        assert bench.send(user(1), PRODUCT)
        assert await bench.settled(2) == [503, 503]

    asyncio.run(talk())


def test_every_order_is_answered_once_whatever_is_raised() -> None:
    """A fault of the service is a problem document, too."""

    async def talk() -> None:
        bench = Bench()
        bench.source.released.set()
        bench.path.fault = RuntimeError()
        assert bench.send(user(1), PRODUCT)
        assert await bench.settled(1) == [500]

    asyncio.run(talk())
