"""How many cores each service kept busy, from readings of its processor time."""

from __future__ import annotations

from seawall.experiments.resources import ResourceWatch
from seawall.stack.usage import ResourceUse

SECOND = 10**9


def watch_of(**seconds: list[float]) -> ResourceWatch:
    """Return a watch that has read these processor seconds, once a second each."""
    watch = ResourceWatch(dict)
    watch._rows = [
        (at * SECOND, name, ResourceUse(cpu_s, 0)) for name, read in seconds.items() for at, cpu_s in enumerate(read)
    ]
    return watch


def test_cores_are_those_between_two_moments() -> None:
    """What a service used before and after does not count."""
    watch = watch_of(api=[0.0, 5.0, 5.5, 6.5, 20.0], postgres=[1.0, 1.0, 1.0, 1.0, 1.0])
    assert watch.cores(1 * SECOND, 3 * SECOND) == {"api": 0.75, "postgres": 0.0}


def test_a_service_that_was_started_again_did_not_work_backwards() -> None:
    """Its processor time begins anew; one that was seen once is left out, and so is all of a time without readings."""
    watch = watch_of(api=[9.0, 1.0], sink=[3.0])
    assert watch.cores(0, 2 * SECOND) == {"api": 0.0}
    assert watch.cores(5 * SECOND, 6 * SECOND) == {}
