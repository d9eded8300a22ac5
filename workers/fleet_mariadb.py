"""The cache fleet's tables in MariaDB or MySQL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pymysql

from contract import mariadb
from contract.entities import Product, User
from contract.mariadb_rows import ROW_TEXTS
from workers.fleet_tables import CANDIDATES, CONNECT_S, DRAWN_USERS, GRADE_OF, PRODUCTS, USERS, Candidate

_WITHIN_S = 600.0
_PRODUCTS = f"SELECT {', '.join(PRODUCTS.fields)} FROM products ORDER BY id LIMIT %(most)s OFFSET %(skip)s"  # noqa: S608
_COUNTED = "(SELECT o.user_id, count(*) AS orders FROM orders o JOIN users u ON u.id = o.user_id GROUP BY o.user_id)"
# at this level INSERT ... SELECT reads without locks on the rows of orders, to which sinks add; an UPDATE with a join
# would lock them
_READ_COMMITTED = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
_CHANGED = f"""
INSERT INTO user_grades (user_id, grade, orders, buyer, draw, graded_at)
SELECT counted.user_id, {GRADE_OF.replace("orders", "counted.orders")}, counted.orders, true, g.draw, utc_timestamp(6)
FROM {_COUNTED} counted JOIN user_grades g ON g.user_id = counted.user_id WHERE g.orders <> counted.orders
ON DUPLICATE KEY UPDATE grade = VALUES(grade), orders = VALUES(orders), buyer = true, graded_at = VALUES(graded_at)
"""  # noqa: S608 - as above
_ROWS_OF_A_CHANGE = 2
"""As the server counts a row that was written over."""
_NEW = f"""
INSERT INTO user_grades (user_id, grade, orders, buyer, draw, graded_at)
SELECT user_id, {GRADE_OF}, orders, true, rand(), utc_timestamp(6) FROM {_COUNTED} counted
WHERE NOT EXISTS (SELECT 1 FROM user_grades g WHERE g.user_id = counted.user_id)
"""  # noqa: S608 - as above
_WITHOUT_ORDERS = """
INSERT INTO user_grades (user_id, grade, orders, buyer, draw, graded_at)
SELECT u.id, 'none', 0, false, rand(), utc_timestamp(6) FROM users u
WHERE NOT EXISTS (SELECT 1 FROM user_grades g WHERE g.user_id = u.id)
"""


class MariaDBFleet:
    """The tables at *url*."""

    errors: tuple[type[Exception], ...] = (pymysql.MySQLError,)

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: pymysql.Connection[Any] | None = None

    def ask_nothing(self) -> None:
        """Make a round trip."""
        self._rows("SELECT 1", {})

    def product_ids(self) -> list[UUID]:
        """Return the ids of all products."""
        return [UUID(bytes=identity) for (identity,) in self._rows("SELECT id FROM products", {})]

    def candidates(self, begin: float, most: int, product: UUID) -> list[Candidate]:
        """Draw users by an index, and a product by its id."""
        rows = self._rows(CANDIDATES, {"from": begin, "most": most, "product": product.bytes})
        return [Candidate(UUID(bytes=user), grade, UUID(bytes=found), price) for user, grade, found, price in rows]

    def users(self, *, buyers: bool, begin: float, most: int) -> Iterator[tuple[User, str]]:
        """Yield users with their grades."""
        for *values, grade in self._rows(DRAWN_USERS, {"buyer": buyers, "from": begin, "most": most}):
            user = ROW_TEXTS[USERS.name].record(values)
            assert isinstance(user, User)
            yield user, grade

    def products(self, skip: int, most: int) -> Iterator[Product]:
        """Yield products."""
        for values in self._rows(_PRODUCTS, {"skip": skip, "most": most}):
            product = ROW_TEXTS[PRODUCTS.name].record(values)
            assert isinstance(product, Product)
            yield product

    def grade(self) -> int:
        """Grade in the database, where orders and users are; only what changed is written."""
        connection = self._connection
        try:
            with connection.cursor() as cursor:
                cursor.execute(_READ_COMMITTED)
                connection.begin()
                changed = int(cursor.execute(_CHANGED)) // _ROWS_OF_A_CHANGE
                changed += sum(int(cursor.execute(query)) for query in (_NEW, _WITHOUT_ORDERS))
            connection.commit()
        except BaseException:
            self.close()  # which takes back what is not committed
            raise
        return changed

    def close(self) -> None:
        """Close the connection, also one that is broken."""
        if self._open is not None:
            connection, self._open = self._open, None
            with contextlib.suppress(pymysql.MySQLError, OSError):
                connection.close()

    def _rows(self, query: str, wanted: dict[str, Any]) -> list[tuple[Any, ...]]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query, wanted)
                return list(cursor.fetchall())
        except pymysql.MySQLError:
            self.close()
            raise

    @property
    def _connection(self) -> pymysql.Connection[Any]:
        if self._open is None:
            self._open = mariadb.connect(
                self._url, timeout_s=_WITHIN_S, connect_timeout_s=CONNECT_S, autocommit=True, binary_prefix=True
            )
        return self._open
