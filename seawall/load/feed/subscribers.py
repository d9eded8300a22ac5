"""Who subscribes to what, in a run of many: told anew from the same numbers by the load and by the audit."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Literal
from uuid import UUID

import msgspec

from contract.entities import ENTITIES
from contract.samples import sample_fields
from seawall.load.payloads import POOL_SIZE

ENTITY = "orders"
"""What the records are; the only ones that are about somebody."""


class FeedLoad(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The subscribers of one trial."""

    name: str
    url: str
    key: str
    """What lets one in; empty where none is needed."""
    seed: int
    directory: str
    """Where arrivals are written."""
    users: int
    """Those that follow one buyer's orders each."""
    whole: int = 0
    """Those beside them that follow all orders."""
    silent: int = 0
    """Those beside them that follow all orders, and never read."""
    sse: float = 0.0
    """The share that takes server-sent events; all others use WebSockets."""
    returning: float = 0.0
    """The share of those that follow a buyer that leaves once and comes back with the last id."""
    leaves_after_s: tuple[float, float] = (1.0, 5.0)
    """Between these, after all are connected, each of them leaves."""
    away_s: float = 1.0

    @property
    def total(self) -> int:
        """How many there are."""
        return self.users + self.whole + self.silent


class Subscriber(msgspec.Struct, frozen=True):
    """One of them."""

    number: int
    protocol: Literal["websocket", "sse"]
    follows: UUID | None
    """Whose orders; None for all."""
    habit: Literal["steady", "returning", "silent"] = "steady"
    leaves_after_s: float = 0.0

    @property
    def parameters(self) -> dict[str, str]:
        """What it asks the feed for."""
        about = {} if self.follows is None else {"user": str(self.follows)}
        return {"entity": ENTITY, **about}


def subscriber(load: FeedLoad, number: int) -> Subscriber:
    """Return the subscriber of that *number*, from 0 on: first those of a buyer, then those of all, then the silent."""
    draw = random.Random(f"{load.seed}/{number}/subscriber")
    protocol: Literal["websocket", "sse"] = "sse" if draw.random() < load.sse else "websocket"
    if number >= load.users:
        habit: Literal["steady", "silent"] = "silent" if number >= load.users + load.whole else "steady"
        return Subscriber(number, protocol, None, habit)
    buyers = buyers_of(load.seed)
    follows = buyers[number % len(buyers)]
    if draw.random() >= load.returning:
        return Subscriber(number, protocol, follows)
    return Subscriber(number, protocol, follows, "returning", draw.uniform(*load.leaves_after_s))


@lru_cache(maxsize=4)
def buyers_of(seed: int) -> tuple[UUID, ...]:
    """Return the users whose orders a run with this *seed* writes, in an order of their own."""
    return tuple(sorted({fields["user_id"] for fields in sample_fields(ENTITIES[ENTITY], seed, POOL_SIZE)}))


def buyers_by_content(seed: int) -> list[UUID]:
    """Return for each content of the pool whose order it is."""
    return [fields["user_id"] for fields in sample_fields(ENTITIES[ENTITY], seed, POOL_SIZE)]
