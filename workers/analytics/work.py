"""Live analytics as the work of a consumer group."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from contract.cache_client import CACHE_DOWN
from contract.entities import Order as OrderRecord
from workers.analytics.publisher import Publisher
from workers.analytics.windows import Changes, Order, Windows
from workers.groups.work import NotNow, PlainWork, Refused, Taken

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Analytics(PlainWork):
    """Counts orders by windows, and publishes what changed every so often.

    The windows are in memory alone: a process that starts counts the whole log again, which costs a few seconds for a
    million records and makes it exact. So a group has one process, which reads all partitions.
    """

    from_the_beginning = True

    def __init__(self, windows: Windows, publisher: Publisher, *, every_s: float) -> None:
        self.every_s = every_s
        self._windows, self._publisher = windows, publisher
        self._begun = False
        self._unpublished: Changes | None = None

    def take(self, records: Sequence[Taken]) -> None:
        """Count them."""
        orders = [_order(one) for one in records]  # whatever is wrong with one is found before any is counted
        self._windows.add(orders, time.monotonic())

    def keep(self) -> None:
        """Publish what changed; raises `NotNow` where the cache is away."""
        changes = self._unpublished or self._windows.changes()
        try:
            if not self._begun:
                self._publisher.begin()
                self._begun = True
            self._publisher.publish(*changes)
        except CACHE_DOWN as error:
            self._unpublished = changes
            raise NotNow(f"the cache: {error}") from None
        if self._unpublished is not None:
            self._unpublished = None
            self.keep()  # and what has changed since

    def assigned(self, partitions: Iterable[int]) -> None:
        """Wait for what they hold."""
        self._windows.assign(partitions)

    def revoked(self, partitions: Iterable[int]) -> None:
        """Wait for them no longer."""
        self._windows.forget(partitions)

    def ended(self, partition: int) -> None:
        """Note that it holds no more for now."""
        self._windows.ended(partition, time.monotonic())
        self._windows.advance(time.monotonic())

    def close(self) -> None:
        """Close the connection to the cache."""
        self._publisher.close()


def _order(taken: Taken) -> Order:
    record = taken.record
    if not isinstance(record, OrderRecord):
        raise Refused("analytics counts orders alone")
    event_us = (record.placed_at - _EPOCH) // _MICROSECOND
    return Order(record.id, taken.partition, event_us, record.product_id, record.quantity, record.total_cents)
