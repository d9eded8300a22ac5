"""One statement for each kind of what is looked up, and what its rows say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Protocol
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from api.lookups.kinds import Asked
from contract import columns
from contract.connections import MARIADB, POSTGRESQL
from contract.entities import Entity
from contract.tables import TABLES

Row = sa.RowMapping

_encode = msgspec.json.Encoder().encode
_OLDEST = 2_000
_LATEST = 20
_RECOMMENDED = 10


class Recommendation(msgspec.Struct, frozen=True):
    """A product, and how often it was ordered by those who were looked at."""

    product_id: UUID
    orders: int


class Recommendations(msgspec.Struct, frozen=True):
    """Products for a user: what the oldest accounts of the same country ordered most often of late."""

    user_id: UUID
    products: list[Recommendation]


class Sales(msgspec.Struct, frozen=True):
    """What was sold of one product, over all orders."""

    product_id: UUID
    orders: int
    quantity: int
    total_cents: int


class TopProducts(msgspec.Struct, frozen=True):
    """The products of which most was sold, first the first."""

    products: list[Sales]


class Query(Protocol):
    """How the database is asked for several of one kind at once."""

    statement: sa.Executable

    def parameters(self, asked: Sequence[Asked]) -> dict[str, Any]:
        """Return what the statement needs to know."""
        ...

    def bodies(self, asked: Sequence[Asked], rows: Sequence[Row]) -> dict[Asked, bytes]:
        """Return what exists of what was *asked*, as JSON."""
        ...


class RecordQuery:
    """Rows by their primary keys."""

    def __init__(self, entity: Entity) -> None:
        table = TABLES[entity.name]
        self._record = entity.record
        self.statement: sa.Executable = sa.select(table).where(table.c.id.in_(sa.bindparam("wanted", expanding=True)))
        self.first = sa.select(table).order_by(table.c.id).limit(sa.bindparam("count"))
        """Finds rows without being told which: base rows and what was written first."""

    def parameters(self, asked: Sequence[Asked]) -> dict[str, Any]:
        """Return the ids."""
        return {"wanted": asked}

    def bodies(self, asked: Sequence[Asked], rows: Sequence[Row]) -> dict[Asked, bytes]:  # noqa: ARG002 - the protocol's signature
        """Return the records."""
        return {row["id"]: _encode(self._record(**row)) for row in rows}


_LATEST_OF_EACH = {
    POSTGRESQL: """neighbours CROSS JOIN LATERAL (
                SELECT product_id FROM orders WHERE user_id = neighbours.id ORDER BY placed_at DESC LIMIT :latest
            ) AS latest""",
    # which has no LATERAL: all orders of those who are looked at are read, and their latest taken
    MARIADB: """(
                SELECT country, product_id FROM (
                    SELECT country, product_id, row_number() OVER (PARTITION BY user_id ORDER BY placed_at DESC) AS nth
                    FROM neighbours JOIN orders ON orders.user_id = neighbours.id
                ) AS each_one WHERE nth <= :latest
            ) AS latest""",
}


def _recommendations(database: str) -> sa.TextClause | sa.TextualSelect:
    wanted = {POSTGRESQL: "= ANY (:wanted)", MARIADB: "IN :wanted"}[database]
    statement = sa.text(
        f"""
        WITH asked AS (
            SELECT id, country FROM users WHERE id {wanted}
        ), neighbours AS (
            SELECT id, country FROM (SELECT id, country FROM users ORDER BY id LIMIT :oldest) AS oldest
            WHERE country IN (SELECT country FROM asked)
        ), ranked AS (
            SELECT country, product_id, count(*) AS orders,
                   row_number() OVER (PARTITION BY country ORDER BY count(*) DESC, product_id) AS place
            FROM {_LATEST_OF_EACH[database]}
            GROUP BY country, product_id
        )
        SELECT asked.id, product_id, orders
        FROM asked LEFT JOIN ranked ON ranked.country = asked.country AND place <= :count
        ORDER BY asked.id, place
        """  # noqa: S608 - texts of this module
    ).bindparams(
        sa.bindparam("oldest", _OLDEST, type_=sa.Integer),
        sa.bindparam("latest", _LATEST, type_=sa.Integer),
        sa.bindparam("count", _RECOMMENDED, type_=sa.Integer),
    )
    if database == POSTGRESQL:
        return statement.bindparams(sa.bindparam("wanted", type_=ARRAY(sa.Uuid())))
    return statement.bindparams(sa.bindparam("wanted", type_=columns.identity(), expanding=True)).columns(
        id=columns.identity(), product_id=columns.identity(), orders=sa.Integer
    )


class RecommendationsQuery:
    """Products for users; looks at a bounded number of users, and in PostgreSQL of orders, however many there are."""

    def __init__(self, database: str) -> None:
        """*database* is one of `contract.connections.DATABASES`."""
        self.statement: sa.Executable = _recommendations(database)

    def parameters(self, asked: Sequence[Asked]) -> dict[str, Any]:
        """Return the users' ids."""
        return {"wanted": list(asked)}

    def bodies(self, asked: Sequence[Asked], rows: Sequence[Row]) -> dict[Asked, bytes]:  # noqa: ARG002 - the protocol's signature
        """Return a list for every user that exists; it is empty where nobody ordered anything."""
        return {
            user: _encode(
                Recommendations(
                    user, [Recommendation(row["product_id"], row["orders"]) for row in of_user if row["product_id"]]
                )
            )
            for user, of_user in groupby(rows, key=lambda row: row["id"])
        }


class TopProductsQuery:
    """Looks at every order: what a cache is for."""

    _orders = TABLES["orders"].c
    _quantity = sa.func.sum(_orders.quantity)
    statement: sa.Executable = (
        sa.select(
            _orders.product_id,
            sa.func.count().label("orders"),
            _quantity.label("quantity"),
            sa.cast(sa.func.sum(_orders.total_cents), sa.Numeric(40, 0)).label("total_cents"),
        )
        .group_by(_orders.product_id)
        .order_by(_quantity.desc(), _orders.product_id)
        .limit(sa.bindparam("count", type_=sa.Integer))
    )

    def parameters(self, asked: Sequence[Asked]) -> dict[str, Any]:
        """Return the greatest number of products that is asked for: the others are its beginning."""
        return {"count": max(map(int, asked))}

    def bodies(self, asked: Sequence[Asked], rows: Sequence[Row]) -> dict[Asked, bytes]:
        """Return a list for every number of products."""
        sales = [Sales(row["product_id"], row["orders"], int(row["quantity"]), int(row["total_cents"])) for row in rows]
        return {count: _encode(TopProducts(sales[: int(count)])) for count in asked}
