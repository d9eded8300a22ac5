"""Windows over event time count each order once, wait for late ones, and tell of those that are too late."""

from __future__ import annotations

import random
from collections import defaultdict
from uuid import UUID

from contract.windows import Told, TopProduct, WindowResult, window_start
from workers.analytics.windows import Order, Windows

SECOND = 1_000_000
PRODUCTS = [UUID(int=number) for number in range(1, 9)]


def windows(*, lateness_s: int = 2, remember_s: int = 100, idle_s: float = 5.0) -> Windows:
    """Return windows of ten seconds over two partitions."""
    made = Windows(size_us=10 * SECOND, lateness_us=lateness_s * SECOND, remember_us=remember_s * SECOND, idle_s=idle_s)
    made.assign([0, 1])
    return made


def order(number: int, at_s: float, partition: int = 0, cents: int = 100) -> Order:
    """Return an order of one product."""
    return Order(UUID(int=number), partition, int(at_s * SECOND), PRODUCTS[number % 8], 2, cents)


def both(number: int, at_s: float) -> list[Order]:
    """Return an order in each partition, so that event time comes so far."""
    return [order(number, at_s), order(number + 1, at_s, 1)]


def test_orders_fall_into_the_window_of_their_event_time() -> None:
    """A window begins where the one before it ends."""
    made = windows()
    made.add([order(1, 0.0), order(2, 9.999999), order(3, 10.0, cents=7)], 0.0)
    first, second = made.changes().windows
    assert (first.start_us, first.orders, first.quantity, first.total_cents) == (0, 2, 4, 200)
    assert (second.start_us, second.orders, second.total_cents) == (10 * SECOND, 1, 7)
    assert not made.changes().windows  # nothing is new


def test_the_top_names_the_dearest_products_and_the_smaller_id_of_equal_ones() -> None:
    """Five of them, whatever the order of arrival."""
    made = windows()
    made.add([order(number, 1.0, cents=100 if number < 7 else 300) for number in range(8)], 0.0)
    (window,) = made.changes().windows
    assert window.top == [
        TopProduct(str(PRODUCTS[7]), 300),
        *(TopProduct(str(PRODUCTS[number]), 100) for number in range(4)),
    ]


def test_a_late_record_counts_while_its_window_waits_for_it() -> None:
    """The window has ended, but not by as much as the allowed lateness."""
    made = windows()
    made.add([*both(1, 1.0), *both(3, 11.5), order(5, 9.0)], 0.0)
    found = made.changes()
    assert found.windows[0].orders == 3
    assert found.told == Told(counted=5, late=1)


def test_what_comes_after_that_is_told_and_not_counted() -> None:
    """The closed window stays as it is; the same id again is only a repeat."""
    made = windows()
    made.add([*both(1, 1.0), *both(3, 12.0)], 0.0)
    made.changes()
    made.add([order(5, 9.0)], 0.0)
    made.add([order(5, 9.0)], 0.0)
    found = made.changes()
    assert not found.windows
    assert found.too_late == [UUID(int=5)]
    assert found.told == Told(counted=4, too_late=1, repeated=1)


def test_a_repeated_id_counts_once_even_when_its_window_is_closed() -> None:
    """It is known for as long as ids are remembered, and is no late record."""
    made = windows()
    made.add([*both(1, 1.0), order(1, 1.0)], 0.0)
    made.add(both(3, 30.0), 0.0)
    made.add([order(1, 1.0)], 0.0)
    found = made.changes()
    assert [window.orders for window in found.windows] == [2, 2]
    assert found.told == Told(counted=4, repeated=2)


def test_a_partition_that_is_behind_holds_windows_open() -> None:
    """Nothing of it is too late because another partition was read first."""
    made = windows()
    made.add([order(1, 1.0), order(2, 500.0)], 0.0)
    made.add([order(3, 2.0, 1)], 0.0)
    found = made.changes()
    assert found.told.too_late == 0
    assert found.windows[0].orders == 2


def test_a_partition_without_more_holds_nothing_open_once_it_is_quiet() -> None:
    """As long as it is not known to be at its end it does, and for a while after that."""
    made = windows(idle_s=5.0)
    made.add([order(1, 1.0)], 100.0)
    made.ended(1, 100.0)
    made.add([order(2, 50.0)], 101.0)
    made.ended(1, 104.0)  # since when it is quiet does not begin again
    made.add([order(3, 51.0)], 105.0)
    made.add([order(4, 2.0)], 105.1)
    assert made.changes().told == Told(counted=3, too_late=1)


def test_what_was_published_is_forgotten_when_nobody_has_to_know_its_ids() -> None:
    """So memory does not grow with the log; what changed and was not asked for stays."""
    made = windows(remember_s=20)
    for number in range(0, 400, 2):
        made.add(both(number + 1, number * 5.0), 0.0)
        made.changes()
    assert made.remembered < 8
    unread = windows(remember_s=20)
    for number in range(0, 400, 2):
        unread.add(both(number + 1, number * 5.0), 0.0)
    assert len(unread.changes().windows) == 200


def test_any_order_of_arrival_gives_what_plain_sums_give() -> None:
    """Shuffled within the allowed lateness and repeated at random, each partition by itself."""
    rng = random.Random(5)
    orders = [
        Order(UUID(int=number), number % 2, number * 37_000, rng.choice(PRODUCTS), rng.randrange(9), rng.randrange(999))
        for number in range(4_000)
    ]
    arrived = sorted(orders * 2, key=lambda one: one.event_us + rng.randrange(2 * SECOND))
    made = windows()
    for begin in range(0, len(arrived), 77):
        made.add(arrived[begin : begin + 77], 0.0)
    found = made.changes()
    expected: dict[int, list[Order]] = defaultdict(list)
    for one in orders:
        expected[window_start(one.event_us, 10 * SECOND)].append(one)
    assert found.told.counted == len(orders)
    assert found.told.repeated == len(orders)
    assert found.windows == [_plain(start, expected[start]) for start in sorted(expected)]


def _plain(start_us: int, orders: list[Order]) -> WindowResult:
    cents = {product: sum(one.cents for one in orders if one.product == product) for product in PRODUCTS}
    ranked = sorted(
        ((product, total) for product, total in cents.items() if any(one.product == product for one in orders)),
        key=lambda item: (-item[1], item[0]),
    )
    return WindowResult(
        start_us=start_us,
        orders=len(orders),
        quantity=sum(one.quantity for one in orders),
        total_cents=sum(one.cents for one in orders),
        top=[TopProduct(str(product), total) for product, total in ranked[:5]],
    )
