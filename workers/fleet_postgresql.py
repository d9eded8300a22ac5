"""The cache fleet's tables in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg

from contract.entities import Product, User
from workers.fleet_tables import CANDIDATES, CONNECT_S, DRAWN_USERS, GRADE_OF, PRODUCTS, USERS, Candidate

_PRODUCTS = f"SELECT {', '.join(PRODUCTS.fields)} FROM products ORDER BY id OFFSET %(skip)s LIMIT %(most)s"  # noqa: S608
_GRADED = f"""
INSERT INTO user_grades (user_id, grade, orders, buyer, draw, graded_at)
SELECT user_id, {GRADE_OF}, orders, true, random(), now()
FROM (SELECT o.user_id, count(*)::int AS orders FROM orders o JOIN users u ON u.id = o.user_id GROUP BY 1) counted
ON CONFLICT (user_id) DO UPDATE
SET grade = excluded.grade, orders = excluded.orders, buyer = true, graded_at = excluded.graded_at
WHERE user_grades.orders <> excluded.orders
"""  # noqa: S608 - made of our own constants
_WITHOUT_ORDERS = """
INSERT INTO user_grades (user_id, grade, orders, buyer, draw, graded_at)
SELECT id, 'none', 0, false, random(), now() FROM users u
WHERE NOT EXISTS (SELECT FROM user_grades g WHERE g.user_id = u.id)
"""


class PostgreSQLFleet:
    """The tables at *url*."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._open: psycopg.Connection | None = None

    def ask_nothing(self) -> None:
        """Make a round trip."""
        self._connection.execute("SELECT 1").fetchone()

    def product_ids(self) -> list[UUID]:
        """Return the ids of all products."""
        return [row[0] for row in self._connection.execute("SELECT id FROM products")]

    def candidates(self, begin: float, most: int, product: UUID) -> list[Candidate]:
        """Draw users by an index, and a product by its id."""
        wanted = {"from": begin, "most": most, "product": product}
        return [Candidate(*row) for row in self._connection.execute(CANDIDATES, wanted).fetchall()]

    def users(self, *, buyers: bool, begin: float, most: int) -> Iterator[tuple[User, str]]:
        """Yield users with their grades."""
        wanted = {"buyer": buyers, "from": begin, "most": most}
        for *values, grade in self._connection.execute(DRAWN_USERS, wanted):
            yield User(**dict(zip(USERS.fields, values, strict=True))), grade

    def products(self, skip: int, most: int) -> Iterator[Product]:
        """Yield products."""
        for values in self._connection.execute(_PRODUCTS, {"skip": skip, "most": most}):
            yield Product(**dict(zip(PRODUCTS.fields, values, strict=True)))

    def grade(self) -> int:
        """Grade in the database, where orders and users are; only what changed is written."""
        connection = self._connection
        with connection.transaction():
            return sum(connection.execute(query).rowcount for query in (_GRADED, _WITHOUT_ORDERS))

    def close(self) -> None:
        """Close the connection."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def _connection(self) -> psycopg.Connection:
        if self._open is None or self._open.closed:
            self._open = psycopg.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_S, application_name=f"seawall-{self._name}"
            )
        return self._open
