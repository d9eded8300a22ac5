"""Locust's buckets."""

import pytest

from seawall.load.percentiles import bucket


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (0.4, 0),
        (195.1, 195),
        (199.6, 200),
        (204.9, 205),
        (999.4, 999),
        (999.6, 1_000),
        (1_234, 1_230),
        (98_765, 98_800),
    ],
)
def test_is_exact_to_a_millisecond_below_a_second_and_to_three_digits_above(milliseconds: float, expected: int) -> None:
    """No value near a 200 ms limit is moved across it."""
    assert bucket(milliseconds) == expected
