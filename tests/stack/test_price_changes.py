"""How long a price had been another when somebody asked."""

from __future__ import annotations

from uuid import UUID

import pytest

from contract.connections import Connections
from seawall.stack.price_changes import PriceChanges

PRODUCT, OTHER = UUID(int=1), UUID(int=2)
S = 1_000_000_000


@pytest.mark.parametrize(
    ("price_cents", "asked_s", "stale_s"),
    [
        pytest.param(100, 9, None, id="before any change"),
        pytest.param(100, 12, 2.0, id="the first price after the first change"),
        pytest.param(500, 12, None, id="the price of the latest change"),
        pytest.param(500, 25, 5.0, id="the price of the change before"),
        pytest.param(100, 25, 15.0, id="the first price after two changes"),
        pytest.param(600, 19.999, None, id="a price that was being committed"),
    ],
)
def test_a_price_is_stale_since_the_change_after_it(price_cents: int, asked_s: float, stale_s: float | None) -> None:
    """And never before that."""
    prices = PriceChanges(Connections())
    prices.note(PRODUCT, 10 * S, 500)
    prices.note(PRODUCT, 20 * S, 600)
    assert prices.stale_s(PRODUCT, price_cents, int(asked_s * S)) == stale_s
    assert prices.stale_s(OTHER, price_cents, int(asked_s * S)) is None
