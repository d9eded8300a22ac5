"""Tumbling windows over event time: late records are admitted for a while, repeated ones count once.

How far event time has come is the least of what the partitions have shown (the watermark of Akidau et al. 2015, "The
Dataflow Model"). A window closes when that passes its end by the allowed lateness; a record of a closed window is too
late, which is counted and told. A partition that was read to its end, and has been quiet since, holds nothing up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from contract.windows import TOP, Told, TopProduct, WindowResult, window_start


class Order(NamedTuple):
    """What windows have to know of an order."""

    id: UUID
    partition: int
    event_us: int
    product: UUID
    quantity: int
    cents: int


class _Window:
    """The figures of one window so far."""

    def __init__(self) -> None:
        self.ids: set[UUID] = set()
        self.too_late: set[UUID] = set()
        self.quantity = 0
        self.cents = 0
        self.products: dict[UUID, int] = defaultdict(int)

    def result(self, start_us: int) -> WindowResult:
        """Return the figures."""
        ranked = sorted(self.products.items(), key=lambda item: (-item[1], item[0]))[:TOP]
        return WindowResult(
            start_us=start_us,
            orders=len(self.ids),
            quantity=self.quantity,
            total_cents=self.cents,
            top=[TopProduct(str(product), cents) for product, cents in ranked],
        )


class _Partition:
    """How far event time has come in one partition."""

    def __init__(self) -> None:
        self.event_us: int | None = None
        self.ended_s: float | None = None
        """Since when it is known to hold no more."""


class Changes(NamedTuple):
    """What is new since it was last asked for."""

    windows: list[WindowResult]
    too_late: list[UUID]
    told: Told


class Windows:
    """All windows that are open or remembered; times of events in microseconds since 1970."""

    def __init__(self, *, size_us: int, lateness_us: int, remember_us: int, idle_s: float) -> None:
        """Ids of a closed window are known for *remember_us* more of event time; a later repeat counts as too late.

        A partition that was read to its end holds nothing up once it has been quiet for *idle_s*.
        """
        self._size_us, self._lateness_us, self._remember_us = size_us, lateness_us, remember_us
        self._idle_s = idle_s
        self._windows: dict[int, _Window] = {}
        self._partitions: dict[int, _Partition] = {}
        self._closed_us: int | None = None  # windows that end here or before are closed
        self._changed: set[int] = set()
        self._too_late: list[UUID] = []
        self._told = Told()

    def assign(self, partitions: Iterable[int]) -> None:
        """Wait for what *partitions* hold before windows close."""
        for number in partitions:
            self._partitions.setdefault(number, _Partition())

    def forget(self, partitions: Iterable[int]) -> None:
        """Wait for *partitions* no longer."""
        for number in partitions:
            self._partitions.pop(number, None)

    def ended(self, partition: int, now_s: float) -> None:
        """Note that *partition* was read to its end."""
        found = self._partitions.setdefault(partition, _Partition())
        if found.ended_s is None:
            found.ended_s = now_s

    def add(self, orders: Iterable[Order], now_s: float) -> None:
        """Count *orders*, then close what can be closed."""
        counted = late = repeated = too_late = 0
        for order in orders:
            start_us = window_start(order.event_us, self._size_us)
            partition = self._partitions.setdefault(order.partition, _Partition())
            reached_us, partition.ended_s = partition.event_us, None
            if reached_us is None or order.event_us > reached_us:
                partition.event_us = order.event_us
            window = self._windows.get(start_us)
            if window is not None and (order.id in window.ids or order.id in window.too_late):
                repeated += 1
                continue
            if self._is_closed(start_us):
                too_late += 1
                self._note_too_late(start_us, order.id)
                continue
            counted += 1
            late += reached_us is not None and start_us + self._size_us <= reached_us
            if window is None:
                window = self._windows[start_us] = _Window()
            window.ids.add(order.id)
            window.quantity += order.quantity
            window.cents += order.cents
            window.products[order.product] += order.cents
            self._changed.add(start_us)
        told = self._told
        self._told = Told(
            counted=told.counted + counted,
            late=told.late + late,
            repeated=told.repeated + repeated,
            too_late=told.too_late + too_late,
        )
        self.advance(now_s)

    def advance(self, now_s: float) -> None:
        """Close the windows that event time has left behind, and forget what nobody has to remember."""
        waited_for = [
            one for one in self._partitions.values() if one.ended_s is None or now_s - one.ended_s < self._idle_s
        ]
        # where all are quiet, nobody tells that time goes on
        if not waited_for or any(one.event_us is None for one in waited_for if one.ended_s is None):
            return
        reached = [one.event_us for one in waited_for if one.event_us is not None]
        if not reached:
            return
        closed_us = min(reached) - self._lateness_us
        if self._closed_us is None or closed_us > self._closed_us:
            self._closed_us = closed_us
            forgotten_us = closed_us - self._remember_us - self._size_us
            for start_us in [start for start in self._windows if start <= forgotten_us and start not in self._changed]:
                del self._windows[start_us]

    def changes(self) -> Changes:
        """Return the windows that changed, and the ids that were too late, since it was last asked for."""
        windows = [self._windows[start_us].result(start_us) for start_us in sorted(self._changed)]
        found = Changes(windows, self._too_late, self._told)
        self._changed, self._too_late = set(), []
        return found

    @property
    def remembered(self) -> int:
        """How many windows are kept, open or closed."""
        return len(self._windows)

    def _is_closed(self, start_us: int) -> bool:
        return self._closed_us is not None and start_us + self._size_us <= self._closed_us

    def _note_too_late(self, start_us: int, identity: UUID) -> None:
        self._too_late.append(identity)
        assert self._closed_us is not None
        if start_us + self._size_us > self._closed_us - self._remember_us:
            window = self._windows.get(start_us)
            if window is None:
                window = self._windows[start_us] = _Window()
            window.too_late.add(identity)
