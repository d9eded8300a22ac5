"""When a trial may be called over."""

from collections.abc import Callable

from seawall.audit.drain import DrainReading, proof_of_drain


def readings(*found: tuple[int, int]) -> Callable[[], DrainReading]:
    """Return a look that finds these (lag, rows) one after the other, then the last one for ever."""
    left = list(found)

    def read() -> DrainReading:
        lag, rows = left.pop(0) if len(left) > 1 else left[0]
        return DrainReading(lag, {"orders": rows})

    return read


def test_two_equal_readings_without_lag_prove_it() -> None:
    """Rows that still come, or a lag, need a further look."""
    proof = proof_of_drain(readings((5, 90), (0, 95), (0, 100), (0, 100)), pause_s=0)
    assert proof.proven
    assert proof.last.rows == {"orders": 100}


def test_a_lag_that_stays_proves_nothing() -> None:
    """The reason says how much is left."""
    proof = proof_of_drain(readings((7, 100)), pause_s=0, within_s=0)
    assert (proof.proven, proof.reason) == (False, "7 records wait in the log")


def test_tables_that_grow_without_a_lag_prove_nothing() -> None:
    """Somebody is still at work."""
    rows = iter(range(1_000_000))
    proof = proof_of_drain(lambda: DrainReading(0, {"orders": next(rows)}), pause_s=0, within_s=0)
    assert (proof.proven, proof.reason) == (False, "the tables still grow")
