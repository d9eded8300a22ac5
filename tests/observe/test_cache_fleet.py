"""What `watch` shows of the cache fleet."""

from __future__ import annotations

import io

from rich.console import Console

from seawall.cli.moment_table import moment_table
from seawall.observe.fleet import FleetCache, FleetReading
from seawall.observe.moment import moment
from seawall.observe.readings import Reading
from seawall.stack.ports import HOST, free_ports
from seawall.stack.samples import Samples


def reading(at_s: float, fleet: FleetReading | None) -> Reading:
    """Return a look at a stack of which nothing else is known."""
    return Reading(at_s=at_s, samples=Samples(), processes={}, fleet=fleet)


def drawn(before: Reading, after: Reading) -> str:
    """Return what the terminal shows."""
    out = io.StringIO()
    Console(file=out, width=200).print(moment_table(moment(before, after)))
    return out.getvalue()


def test_fill_age_and_the_hit_rate_since_the_last_look() -> None:
    """Counts that begin anew, since the cache was emptied, are taken as they are."""
    full = FleetReading(users=1_000, products=969, age_s=31.25, hits=190, misses=10)
    earlier = FleetReading(users=1_000, products=969, age_s=29.25, hits=100, misses=0)
    assert "1,000 users and 969 products, the older half 31.2 s old; 50 picks a second, hits 90.0%" in drawn(
        reading(0.0, earlier), reading(2.0, full)
    )
    emptied = FleetReading(users=0, products=0, age_s=None, hits=1, misses=3)
    assert "0 users and 0 products, the older half - s old; 2.0 picks a second, hits 25.0%" in drawn(
        reading(0.0, full), reading(2.0, emptied)
    )


def test_without_a_fleet_there_is_no_line() -> None:
    """As on every other stack."""
    assert "fleet" not in drawn(reading(0.0, None), reading(1.0, None))


def test_a_cache_that_does_not_answer_is_told_by_what_is_missing() -> None:
    """And raises nothing."""
    cache = FleetCache(f"redis://{HOST}:{free_ports(1)[0]}/0")
    found = cache.read()
    cache.close()
    assert (found.users, found.products, found.age_s, found.there) == (None, None, None, False)
