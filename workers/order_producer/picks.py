"""Whom to sell what: a user by their propensity to buy, and a product; from the cache, or from the database."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any, Literal, Protocol
from uuid import UUID

import msgspec

from contract.cache_client import CACHE_DOWN
from contract.fleet import CANDIDATES, PRODUCTS_KEY, PROPENSITY, USERS_KEY, decode_product, decode_user
from workers.fleet_tables import FleetTables

Source = Literal["cache", "database"]
_LEFT_ALONE_S = 1.0
"""After a failure of the cache: one time-out in a while, and not one an order."""


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """One user and one product, and how they were found."""

    user_id: UUID
    product_id: UUID
    price_cents: int
    source: Source
    took_ns: int
    """Of the question that was answered."""
    missed: str = ""
    """Why the cache did not answer: ``empty`` or ``error``; empty where it did, or was not asked."""
    lost_ns: int = 0
    """Time spent on the cache that did not answer."""
    queries: int = 0
    """Statements that the database was asked."""
    loaded_at: float | None = None
    """Wall clock at which the cache's entries, the older of the two, were read from the database."""


class NothingToPick(Exception):
    """Neither cache nor database gave anybody."""


class Picks(Protocol):
    """Where users and products come from."""

    def pick(self) -> Pick:
        """Return the next; raises `NothingToPick`."""
        ...

    def bare_ns(self) -> int | None:
        """Return what a round trip takes that asks for nothing; None where nobody answers."""
        ...


class FromDatabase:
    """Draws users by an index, and a product by its id: one statement, one round trip."""

    def __init__(self, tables: FleetTables, products: Sequence[UUID], rng: random.Random) -> None:
        self._tables, self._products, self._rng = tables, products, rng
        self._errors = tables.errors

    def pick(self) -> Pick:
        """Return a pick by one statement; raises `NothingToPick`."""
        begin, product = self._rng.random(), self._rng.choice(self._products)
        began_ns = time.perf_counter_ns()
        try:
            found = self._tables.candidates(begin, CANDIDATES, product)
        except self._errors as error:
            self._tables.close()
            raise NothingToPick(str(error)) from error
        took_ns = time.perf_counter_ns() - began_ns
        if not found:
            raise NothingToPick("the database has no graded users")
        chosen = self._rng.choices(found, [PROPENSITY[one.grade] for one in found])[0]
        return Pick(
            user_id=chosen.user_id, product_id=chosen.product_id, price_cents=chosen.price_cents, source="database",
            took_ns=took_ns, queries=1,
        )  # fmt: skip

    def bare_ns(self) -> int | None:
        """Return what an empty statement takes."""
        began_ns = time.perf_counter_ns()
        try:
            self._tables.ask_nothing()
        except self._errors:
            self._tables.close()
            return None
        return time.perf_counter_ns() - began_ns


class FromCache:
    """Draws from the fleet's hashes in one round trip, and asks the database for what they do not have."""

    def __init__(self, cache: Any, behind: FromDatabase, rng: random.Random) -> None:
        self._cache, self._behind, self._rng = cache, behind, rng
        self._alone_until_s = 0.0

    def pick(self) -> Pick:
        """Return a pick; raises `NothingToPick` where the database does not answer either."""
        if time.monotonic() < self._alone_until_s:
            return self._from_behind("error", 0)
        began_ns = time.perf_counter_ns()
        try:
            pipeline = self._cache.pipeline(transaction=False)
            pipeline.hrandfield(USERS_KEY, -CANDIDATES, withvalues=True)
            pipeline.hrandfield(PRODUCTS_KEY, -1, withvalues=True)
            users, products = pipeline.execute()
        except CACHE_DOWN:
            self._alone_until_s = time.monotonic() + _LEFT_ALONE_S
            return self._from_behind("error", time.perf_counter_ns() - began_ns)
        took_ns = time.perf_counter_ns() - began_ns
        if not users or not products:
            return self._from_behind("empty", took_ns)
        drawn = list(zip(users[::2], map(decode_user, users[1::2]), strict=True))
        identity, user = self._rng.choices(drawn, [user.propensity for _, user in drawn])[0]
        product = decode_product(products[1])
        return Pick(
            user_id=UUID(identity.decode()), product_id=UUID(products[0].decode()), price_cents=product.price_cents,
            source="cache", took_ns=took_ns, loaded_at=min(user.loaded_at, product.loaded_at),
        )  # fmt: skip

    def bare_ns(self) -> int | None:
        """Return what a PING takes."""
        if time.monotonic() < self._alone_until_s:
            return None
        began_ns = time.perf_counter_ns()
        try:
            self._cache.ping()
        except CACHE_DOWN:
            return None
        return time.perf_counter_ns() - began_ns

    def _from_behind(self, missed: str, lost_ns: int) -> Pick:
        return msgspec.structs.replace(self._behind.pick(), missed=missed, lost_ns=lost_ns)
