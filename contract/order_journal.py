"""What the order producer notes of each order, a line of JSON each; times are ns of the monotonic clock."""

from __future__ import annotations

from typing import Literal

import msgspec

from contract.entities import Order


class Began(msgspec.Struct, frozen=True, kw_only=True, tag="began"):
    """The first line."""

    start_ns: int
    """When the schedule begins."""
    run: tuple[int, int]
    """Milliseconds and nonce of the run whose ids are minted."""


class Ordered(msgspec.Struct, frozen=True, kw_only=True, tag="order"):
    """One order."""

    user: int
    """The buyer, whose number is in the order's id."""
    sequence: int
    intended_ns: int
    sent_ns: int
    """When it was begun, before the pick."""
    picked_ns: int
    answered_ns: int
    status: int
    """0 where no answer came."""
    source: Literal["cache", "database", ""] = ""
    """Who gave user and product; empty where nobody did, so that nothing was sent."""
    missed: str = ""
    """Why the cache did not: ``empty`` or ``error``; empty where it did, or was not asked."""
    took_ns: int = 0
    """Of the question that was answered."""
    lost_ns: int = 0
    """Spent on a cache that did not answer."""
    queries: int = 0
    """Statements that the database was asked for it."""
    age_s: float | None = None
    """How old the cache's entries were, the older of the two."""
    price_cents: int = 0
    """Of the product, as it was read."""
    order: Order | None = None


class Bare(msgspec.Struct, frozen=True, kw_only=True, tag="bare"):
    """A round trip to whoever is asked, that asked for nothing."""

    took_ns: int


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """The last line; one that is missing says that the producer was ended from outside."""

    end_ns: int
    """When the schedule ends."""
    planned: int
    cpu_s: float


Line = Began | Ordered | Bare | Ended
decode_line = msgspec.json.Decoder(Line).decode
