"""The tables of the cache fleet: what buyers, loader and grade updater ask of a database, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol
from uuid import UUID

from contract.connections import MARIADB, Connections
from contract.entities import ENTITIES, Product, User
from contract.fleet import GRADES

USERS, PRODUCTS = ENTITIES["users"], ENTITIES["products"]
CONNECT_S = 3
GRADE_OF = f"CASE {' '.join(f'WHEN orders >= {least} THEN {grade!r}' for grade, least in GRADES.items())} END"
"""The grade that a number of orders makes, in the SQL of both databases."""
CANDIDATES = """
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
DRAWN_USERS = f"""
SELECT {", ".join(f"u.{name}" for name in USERS.fields)}, g.grade FROM (
  (SELECT user_id, grade FROM user_grades WHERE buyer = %(buyer)s AND draw >= %(from)s ORDER BY draw LIMIT %(most)s)
  UNION ALL
  (SELECT user_id, grade FROM user_grades WHERE buyer = %(buyer)s AND draw < %(from)s ORDER BY draw LIMIT %(most)s)
  LIMIT %(most)s
) g JOIN users u ON u.id = g.user_id
"""  # noqa: S608 - made of our own constants
"""What is drawn by the index of draws, and again from its beginning: statements that both databases understand."""


class Candidate(NamedTuple):
    """A user who may buy, and the product that is asked for."""

    user_id: UUID
    grade: str
    product_id: UUID
    price_cents: int


class FleetTables(Protocol):
    """Asks over one connection, which is opened when it is needed and again after it broke."""

    errors: tuple[type[Exception], ...]
    """What the work with the database raises."""

    def ask_nothing(self) -> None:
        """Make a round trip; raises `errors`, as all others do."""
        ...

    def product_ids(self) -> list[UUID]:
        """Return the ids of all products."""
        ...

    def candidates(self, begin: float, most: int, product: UUID) -> list[Candidate]:
        """Return so many users from the draw *begin* on, by its index, each with that product: one statement."""
        ...

    def users(self, *, buyers: bool, begin: float, most: int) -> Iterator[tuple[User, str]]:
        """Yield so many users, buyers or others, from that draw on, with their grades."""
        ...

    def products(self, skip: int, most: int) -> Iterator[Product]:
        """Yield so many products behind the first, in the order of ids."""
        ...

    def grade(self) -> int:
        """Bring all grades up to date in one transaction; return how many have changed."""
        ...

    def close(self) -> None:
        """Close the connection, also one that is broken."""
        ...


def fleet_tables(connections: Connections, name: str) -> FleetTables:
    """Return the tables of the database that *connections* name, for the client *name*."""
    # loaded once it is known which: each brings its own driver
    if connections.database == MARIADB:
        from workers.fleet_mariadb import MariaDBFleet  # noqa: PLC0415

        return MariaDBFleet(connections.plain_database_url)
    from workers.fleet_postgresql import PostgreSQLFleet  # noqa: PLC0415

    return PostgreSQLFleet(connections.psycopg_url, name)
