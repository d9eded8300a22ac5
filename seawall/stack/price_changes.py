"""Changes prices behind everybody's back while a trial runs, and knows when each new one was committed."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import defaultdict
from typing import Self
from uuid import UUID

import sqlalchemy as sa

from contract.connections import Connections
from contract.engine import engine_of
from contract.tables import TABLES

_PRODUCTS = TABLES["products"]
_EVERY_S = 0.5
_A_TIME = 25
"""So many products at a time: at 1,000 products each price lives for 20 seconds."""
_PRICES_PER_S = 100
"""Prices grow with the clock, and faster than changes come: no two changes ever give the same, in no trial."""


class PriceChanges:
    """A thread that changes prices; use as a context manager."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="price-changes", daemon=True)
        self._changes: dict[UUID, list[tuple[int, int]]] = defaultdict(list)
        self.count = 0
        self.failed = ""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def note(self, product: UUID, at_ns: int, price_cents: int) -> None:
        """Note a change that was committed by then, monotonic; the changes of a product come in their order."""
        self._changes[product].append((at_ns, price_cents))

    def stale_s(self, product: UUID, price_cents: int, asked_ns: int) -> float | None:
        """Return for how long *price_cents* had been another when somebody began to ask; None where it was right.

        *asked_ns* is monotonic. A change that was being committed at that moment counts for nobody.
        """
        changes = self._changes.get(product)
        if not changes:
            return None
        known = next((number for number, (_, price) in enumerate(changes) if price == price_cents), -1)
        over = bisect_right(changes, asked_ns, key=lambda change: change[0])
        if known + 1 >= over:
            return None
        return (asked_ns - changes[known + 1][0]) / 1e9

    def _run(self) -> None:
        try:
            engine = engine_of(self._connections)
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as database:
                products = database.scalars(sa.select(_PRODUCTS.c.id).order_by(_PRODUCTS.c.id)).all()
                turn, price_cents = 0, 0
                while not self._stop.wait(_EVERY_S):
                    some = [products[(turn + number) % len(products)] for number in range(min(_A_TIME, len(products)))]
                    turn += len(some)
                    self.count += len(some)
                    price_cents = max(price_cents + 1, int(time.time() * _PRICES_PER_S))
                    database.execute(
                        sa.update(_PRODUCTS).where(_PRODUCTS.c.id.in_(some)).values(price_cents=price_cents)
                    )
                    at_ns = time.monotonic_ns()
                    for product in some:
                        self.note(product, at_ns, price_cents)
        except sa.exc.DBAPIError as error:
            self.failed = " ".join(str(error.orig).split())
