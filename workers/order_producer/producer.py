"""Makes orders on an absolute schedule, and notes each of them in a journal."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from contract.cache_client import CACHE_DOWN
from contract.connections import Connections
from contract.entities import ENTITIES, Order
from contract.fleet import COUNTS_KEY
from contract.ids import Run, mint, new_run
from contract.order_journal import Bare, Began, Ended, Line, Ordered
from workers.fleet_cache import FleetCache
from workers.fleet_tables import fleet_tables
from workers.order_producer.orders import OrderClient
from workers.order_producer.picks import FromCache, FromDatabase, NothingToPick, Picks
from workers.order_producer.settings import Settings

_ORDERS = ENTITIES["orders"].number
_NAME = "order-producer"
_BARE_EVERY = 10
"""After so many orders one bare round trip is timed, outside of any order."""
_SETTLE_S = 0.2
_COUNT_EVERY_S = 1.0
_GRACE_S = 5.0
"""After the schedule's end, an order that is late may still be sent for so long."""


class Producer:
    """A number of buyers, a thread each, who follow one schedule together."""

    def __init__(self, settings: Settings, connections: Connections) -> None:
        self._settings, self._connections = settings, connections
        given = Run(settings.producer_run_ms, settings.producer_run_nonce)
        self._run = given if given.ms else new_run()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._encode = msgspec.json.Encoder().encode
        self._hits = self._misses = 0
        self._start_ns = 0

    def run(self) -> None:
        """Make orders until the schedule is over; raises `NothingToPick` where none can begin."""
        settings = self._settings
        settings.producer_journal.parent.mkdir(parents=True, exist_ok=True)
        products = self._products()
        cache = None
        if settings.producer_source == "cache":
            cache = FleetCache(self._connections.redis_url)
        with settings.producer_journal.open("wb", buffering=0) as journal:
            self._journal = journal
            buyers = [self._buyer(number, products, cache) for number in range(settings.producer_buyers)]
            self._start_ns = time.monotonic_ns() + int(_SETTLE_S * 1e9)
            self._note(Began(start_ns=self._start_ns, run=(self._run.ms, self._run.nonce)))
            for buyer in buyers:
                buyer.start()
            while any(buyer.is_alive() for buyer in buyers):
                self._stop.wait(_COUNT_EVERY_S) if not self._stop.is_set() else time.sleep(0.05)
                self._count(cache)
            planned = int(settings.producer_s * settings.producer_rate_per_s)
            self._note(Ended(end_ns=self._end_ns, planned=planned, cpu_s=time.process_time()))

    def _products(self) -> list[UUID]:
        tables = fleet_tables(self._connections, _NAME)
        try:
            return tables.product_ids()
        except tables.errors as error:
            raise NothingToPick(str(error)) from None
        finally:
            tables.close()

    def stop(self) -> None:
        """Make no further orders."""
        self._stop.set()

    @property
    def _end_ns(self) -> int:
        return self._start_ns + int(self._settings.producer_s * 1e9)

    def _buyer(self, number: int, products: list[UUID], cache: Any) -> threading.Thread:
        rng = random.Random(f"{self._settings.producer_seed} {number}")
        behind = FromDatabase(fleet_tables(self._connections, _NAME), products, rng)
        behind.bare_ns()  # connects
        picks: Picks = behind if cache is None else FromCache(cache, behind, rng)
        picks.bare_ns()
        client = OrderClient(self._connections.api_url or "", self._settings.api_key)
        return threading.Thread(target=self._buy, args=(number, picks, client, rng), name=f"buyer-{number}")

    def _buy(self, number: int, picks: Picks, client: OrderClient, rng: random.Random) -> None:
        """Follow the part of the schedule that is this buyer's."""
        settings = self._settings
        period_ns = int(1e9 / settings.producer_rate_per_s)
        sequence = 0
        while True:
            intended_ns = self._start_ns + (sequence * settings.producer_buyers + number) * period_ns
            sequence += 1
            now_ns = time.monotonic_ns()
            if intended_ns >= self._end_ns or now_ns > self._end_ns + _GRACE_S * 1e9:
                return
            if self._stop.wait(max(0.0, (intended_ns - now_ns) / 1e9)):
                return
            self._order(number, sequence, intended_ns, picks, client, rng)
            if sequence % _BARE_EVERY == 0 and (took_ns := picks.bare_ns()) is not None:
                self._note(Bare(took_ns=took_ns))

    def _order(
        self, number: int, sequence: int, intended_ns: int, picks: Picks, client: OrderClient, rng: random.Random
    ) -> None:
        sent_ns = time.monotonic_ns()
        try:
            pick = picks.pick()
        except NothingToPick:
            now_ns = time.monotonic_ns()
            self._note(
                Ordered(
                    user=number, sequence=sequence, intended_ns=intended_ns, sent_ns=sent_ns, picked_ns=now_ns,
                    answered_ns=now_ns, status=0, missed="nobody",
                )
            )  # fmt: skip
            return
        picked_ns = time.monotonic_ns()
        age_s = None if pick.loaded_at is None else max(0.0, time.time() - pick.loaded_at)
        with self._lock:
            self._hits += pick.source == "cache"
            self._misses += bool(pick.missed)
        quantity = rng.randint(1, 5)
        order = Order(
            id=mint(self._run, sequence, number, _ORDERS),
            user_id=pick.user_id,
            product_id=pick.product_id,
            quantity=quantity,
            total_cents=quantity * pick.price_cents,
            status="new",
            note="",
            placed_at=datetime.now(UTC),
        )
        status = client.send(self._encode(order))
        self._note(
            Ordered(
                user=number,
                sequence=sequence,
                intended_ns=intended_ns,
                sent_ns=sent_ns,
                picked_ns=picked_ns,
                answered_ns=time.monotonic_ns(),
                status=status,
                source=pick.source,
                missed=pick.missed,
                took_ns=pick.took_ns,
                lost_ns=pick.lost_ns,
                queries=pick.queries,
                age_s=age_s,
                price_cents=pick.price_cents,
                order=order,
            )
        )

    def _count(self, cache: Any) -> None:
        """Add what was picked since the last time to the counts for whoever watches."""
        if cache is None:
            return
        with self._lock:
            hits, misses, self._hits, self._misses = self._hits, self._misses, 0, 0
        with suppress(*CACHE_DOWN):  # a watcher then sees less, and no order is later for it
            for name, count in (("hits", hits), ("misses", misses)):
                if count:
                    cache.hincrby(COUNTS_KEY, name, count)

    def _note(self, line: Line) -> None:
        whole = self._encode(line) + b"\n"
        with self._lock:
            self._journal.write(whole)
