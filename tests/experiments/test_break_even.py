"""Where the log begins to pay, read off capacities that are made up for the purpose."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.experiments.break_even import BY_BURST, BY_DATABASE_DELAY, BY_RATE, break_even
from seawall.result import BreakEven, CapacityFinding


def finding(path: str, carried: float | None, **rest: Any) -> CapacityFinding:
    """Return what a search came to."""
    fields = {"arm": path, "path": path, "last_pass_per_s": carried, "limit": "targets", "confirmed": True, **rest}
    return CapacityFinding(**fields)


def found(findings: list[CapacityFinding], by: str) -> list[BreakEven]:
    """Return what is said by one factor."""
    return [row for row in break_even(findings) if row.by == by]


def test_above_what_the_other_path_carries_only_the_log_does() -> None:
    """The rate's bounds are what the two of them carry."""
    (row,) = found([finding("sync", 1_500.0), finding("kafka", 12_000.0)], BY_RATE)
    assert (row.base, row.low, row.high) == ("sync", 1_500.0, 12_000.0)


@pytest.mark.parametrize("kafka", [9_000.0, 9_800.0])
def test_capacities_that_a_search_cannot_tell_apart_are_no_reason(kafka: float) -> None:
    """A tenth more is within what a search finds again."""
    (row,) = found([finding("grouped", 9_000.0), finding("kafka", kafka)], BY_RATE)
    assert (row.low, row.high) == (None, None)
    assert row.says.startswith("at no rate")


def levels(kafka: list[float], grouped: list[float], key: str = "database_delay_ms") -> list[CapacityFinding]:
    """Return findings at 0, 2, 4, ... of a factor."""
    rows = [("kafka", kafka), ("grouped", grouped)]
    return [finding(path, carried, **{key: 2.0 * place}) for path, row in rows for place, carried in enumerate(row)]


@pytest.mark.parametrize(
    ("kafka", "grouped", "bounds", "says"),
    [
        ([9.0, 9.0, 9.0], [9.5, 9.0, 3.0], (2.0, 4.0), "from somewhere between 2 and 4 ms on"),
        ([9.0, 9.0, 9.0], [1.0, 1.0, 1.0], (None, 0.0), "everywhere"),
        ([9.0, 9.0, 9.0], [9.0, 9.0, 9.0], (4.0, None), "nowhere"),
        ([9.0, 9.0, 9.0], [1.0, 9.0, 1.0], (None, None), "too close to call"),
        ([9.0, 9.0, 9.0], [1.0, 1.0, 9.0], (2.0, 4.0), "up to somewhere between 2 and 4 ms"),
    ],
)
def test_the_order_of_two_paths_turns_between_two_levels(
    kafka: list[float], grouped: list[float], bounds: tuple[float | None, float | None], says: str
) -> None:
    """Levels that were not measured are never named as the turn."""
    (row,) = found(levels(kafka, grouped), BY_DATABASE_DELAY)
    assert (row.low, row.high) == bounds
    assert says in row.says


def test_a_knee_that_is_not_confirmed_says_nothing() -> None:
    """Neither does one level alone."""
    assert found([finding("sync", 1.0), finding("kafka", 9.0, confirmed=False)], BY_RATE) == []
    assert found([finding("sync", 1.0), finding("kafka", 9.0)], BY_DATABASE_DELAY) == []


def test_bursts_are_compared_among_themselves() -> None:
    """A burst carries more than a load that lasts, so the two are never held against each other."""
    findings = [
        finding("grouped", 9.0), finding("kafka", 9.0),
        *(finding("grouped", 10.0, burst_s=length) for length in (2.0, 10.0)),
        finding("kafka", 20.0, burst_s=2.0), finding("kafka", 10.0, burst_s=10.0),
    ]  # fmt: skip
    (row,) = found(findings, BY_BURST)
    assert (row.low, row.high, row.unit) == (2.0, 10.0, "s")
    (rate,) = found(findings, BY_RATE)
    assert rate.says.startswith("at no rate")
