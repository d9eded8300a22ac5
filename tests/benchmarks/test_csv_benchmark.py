"""What the benchmark of imports makes of its turns."""

from __future__ import annotations

from benchmarks.csv import Turn, figures_of

MEMORY = 80_000_000


def turns(direct: float, kafka: float, memory: int = MEMORY) -> list[Turn]:
    """Return four turns that differ by little, beside a COPY of 100,000 rows a second."""
    return [Turn(direct * by, kafka * by, 100_000 * by, memory) for by in (0.98, 1.0, 1.01, 1.02)]


def test_what_is_asked_is_reached_or_not() -> None:
    """Each figure by itself."""
    assert [one.reached for one in figures_of(turns(60_000, 55_000))] == [True, True, True]
    assert [one.reached for one in figures_of(turns(49_000, 55_000))] == [False, True, True]
    assert [one.reached for one in figures_of(turns(60_000, 40_000))] == [True, False, True]
    assert [one.reached for one in figures_of(turns(60_000, 55_000, 250_000_000))] == [True, True, False]


def test_ways_stand_beside_copy_with_their_ratio() -> None:
    """The medians, and the mean of ratios with its interval."""
    direct, kafka, memory = figures_of(turns(60_000, 30_000))
    assert (round(direct.measured), round(direct.beside or 0)) == (60_300, 100_500)
    assert direct.error.startswith("0.600 (0.600 to 0.600")
    assert kafka.error.startswith("0.300")
    assert (memory.measured, memory.unit) == (80.0, "MB")
