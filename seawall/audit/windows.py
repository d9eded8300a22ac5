"""Holds published figures of windows against the table, field by field, with a query of its own."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import numpy as np
import sqlalchemy as sa

from contract.cache_client import CACHE_DOWN, cache_client
from contract.connections import MARIADB, POSTGRESQL, Connections
from contract.engine import engine_of
from contract.tables import TABLES
from contract.windows import TOP, Asked, Told, TopProduct, WindowResult, keys_of
from seawall.audit.errors import AuditFailed
from seawall.audit.ledger import NEVER, Int64s

_STARTS = {
    POSTGRESQL: "floor(extract(epoch FROM placed_at) * 1000000)::bigint / {size} * {size}",
    MARIADB: "timestampdiff(MICROSECOND, '1970-01-01', placed_at) DIV {size} * {size}",
}
"""When the window of a row begins, as each database says it."""
_ASKED_AT_ONCE = 10_000
"""Ids: a statement takes no more than 65,535."""


class Published(msgspec.Struct, frozen=True):
    """What readers find of one publisher."""

    windows: dict[int, WindowResult]
    """By their starts, microseconds since 1970."""
    told: Told
    too_late: frozenset[str]
    """Ids."""


def read_published(redis_url: str, publisher: str) -> Published:
    """Return what *publisher* has in the cache; raises `AuditFailed`."""
    keys = keys_of(publisher)
    try:
        with contextlib.closing(cache_client(redis_url, timeout_s=10.0)) as cache:
            found: Any = cache.hgetall(keys.windows)
            told: Any = cache.get(keys.told)
            too_late: Any = cache.smembers(keys.too_late)
    except CACHE_DOWN as error:
        raise AuditFailed(f"the windows of {publisher} could not be read from the cache: {error}") from None
    return Published(
        windows={int(start): msgspec.json.decode(text, type=WindowResult) for start, text in found.items()},
        told=msgspec.json.decode(told, type=Told) if told else Told(),
        too_late=frozenset(one.decode() for one in too_late),
    )


def windows_of_table(connections: Connections, size_us: int, without: Sequence[str] = ()) -> dict[int, WindowResult]:
    """Return the windows by the rows of the table, those of the ids *without* left out; raises `AuditFailed`."""
    try:
        with engine_of(connections).connect() as connection:
            sums = _sums(connection, connections.database, size_us)
            for begin in range(0, len(without), _ASKED_AT_ONCE):
                some = [UUID(one) for one in without[begin : begin + _ASKED_AT_ONCE]]
                for place, less in _sums(connection, connections.database, size_us, some).items():
                    sums[place] = sums[place].less(less)
    except sa.exc.DBAPIError as error:
        raise AuditFailed(f"the windows could not be read from the table: {str(error.orig).strip()}") from None
    products: dict[int, list[tuple[str, _Sums]]] = defaultdict(list)
    for (start_us, product), found in sums.items():
        if found.orders:
            products[start_us].append((product, found))
    return {
        start_us: WindowResult(
            start_us=start_us,
            orders=sum(found.orders for _, found in some),
            quantity=sum(found.quantity for _, found in some),
            total_cents=sum(found.cents for _, found in some),
            top=[
                TopProduct(product, found.cents)
                for product, found in sorted(some, key=lambda one: (-one[1].cents, one[0]))[:TOP]
            ],
        )
        for start_us, some in products.items()
    }


class _Sums(NamedTuple):
    """Of the orders of one product in one window."""

    orders: int
    quantity: int
    cents: int

    def less(self, other: _Sums) -> _Sums:
        return _Sums(*(one - less for one, less in zip(self, other, strict=True)))


def _sums(
    connection: sa.Connection, database: str, size_us: int, ids: Sequence[UUID] | None = None
) -> dict[tuple[int, str], _Sums]:
    """Return the sums by the windows' starts and products, of all orders or of those with these *ids*."""
    orders = TABLES["orders"].c
    start = sa.literal_column(_STARTS[database].format(size=size_us), sa.BigInteger).label("start_us")
    figures = sa.func.count(), sa.func.sum(orders.quantity), sa.func.sum(orders.total_cents)
    asked = sa.select(start, orders.product_id, *figures).group_by(start, orders.product_id)
    if ids is not None:
        asked = asked.where(orders.id.in_(ids))
    return {(row[0], str(row[1])): _Sums(*map(int, row[2:])) for row in connection.execute(asked)}


def differing(one: Mapping[int, WindowResult], other: Mapping[int, WindowResult]) -> list[int]:
    """Return the starts of the windows that are not the same in both, or in one alone."""
    return sorted(start for start in one.keys() | other.keys() if one.get(start) != other.get(start))


def read_asked(path: Path) -> list[Asked]:
    """Return when the table was asked; a last line that is cut off is left out."""
    if not path.exists():
        return []
    text = path.read_bytes()
    decoder = msgspec.json.Decoder(Asked)
    return [decoder.decode(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]


def published_ns(visible_ns: Int64s, asked: Sequence[Asked]) -> Int64s:
    """Return when a result with each row was published: by the first query that began after the row was visible."""
    begun = np.array([one.begun_ns for one in asked], dtype=np.int64)
    published = np.array([*(one.published_ns for one in asked), NEVER], dtype=np.int64)
    found: Int64s = published[np.searchsorted(begun, visible_ns)]
    found[visible_ns == NEVER] = NEVER
    return found
