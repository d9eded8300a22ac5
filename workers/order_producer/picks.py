"""Whom to sell what: a user by their propensity to buy, and a product; from the cache, or from the database."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any, Literal, Protocol
from uuid import UUID

import msgspec
import psycopg

from contract.cache_client import CACHE_DOWN
from contract.fleet import CANDIDATES, PRODUCTS_KEY, PROPENSITY, USERS_KEY, decode_product, decode_user

Source = Literal["cache", "database"]
_LEFT_ALONE_S = 1.0
"""After a failure of the cache: one time-out in a while, and not one an order."""
_USERS = """
SELECT u.id, g.grade, p.id, p.price_cents
FROM (
  (SELECT user_id, grade FROM user_grades WHERE draw >= %(from)s ORDER BY draw LIMIT %(most)s)
  UNION ALL
  (SELECT user_id, grade FROM user_grades WHERE draw < %(from)s ORDER BY draw LIMIT %(most)s)
  LIMIT %(most)s
) g
JOIN users u ON u.id = g.user_id
CROSS JOIN (SELECT id, price_cents FROM products WHERE id = %(product)s) p
"""


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

    def __init__(self, url: str, products: Sequence[UUID], rng: random.Random) -> None:
        self._url, self._products, self._rng = url, products, rng
        self._connection: psycopg.Connection | None = None

    def pick(self) -> Pick:
        """Return a pick by one statement; raises `NothingToPick`."""
        wanted = {"from": self._rng.random(), "most": CANDIDATES, "product": self._rng.choice(self._products)}
        began_ns = time.perf_counter_ns()
        try:
            rows = self._connected().execute(_USERS, wanted).fetchall()
        except psycopg.Error as error:
            self._connection = None
            raise NothingToPick(str(error)) from error
        took_ns = time.perf_counter_ns() - began_ns
        if not rows:
            raise NothingToPick("the database has no graded users")
        user_id, _, product_id, price_cents = self._rng.choices(rows, [PROPENSITY[row[1]] for row in rows])[0]
        return Pick(
            user_id=user_id, product_id=product_id, price_cents=price_cents, source="database", took_ns=took_ns,
            queries=1,
        )  # fmt: skip

    def bare_ns(self) -> int | None:
        """Return what an empty statement takes."""
        began_ns = time.perf_counter_ns()
        try:
            self._connected().execute("SELECT 1").fetchone()
        except psycopg.Error:
            self._connection = None
            return None
        return time.perf_counter_ns() - began_ns

    def _connected(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=3, application_name="seawall-order-producer"
            )
        return self._connection


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
