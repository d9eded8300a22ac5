"""What orders come to while nodes of the cache are away, and what is concluded from it."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest

from contract.order_journal import Ordered
from seawall.experiments.fleet_judgement import claims_of, judged
from seawall.experiments.fleet_outage import outage_of
from seawall.result import AuditCounts, Outcome, Quantiles, Trial
from seawall.result.cache_fleet import FleetFinding, Outage

SECOND = 1_000_000_000
OUTAGE = Outage(
    nodes=["valkey-2"], begin_s=10.0, end_s=20.0, orders=30, from_database=29, back_s=3.5, whole=True
)  # fmt: skip
FOUND = FleetFinding(
    arm="one-away", trial="1000-one-away", rows=1_000, source="cache", begun="warm", orders=100, hits=60, misses=40,
    pick_ms=Quantiles(p50=1.0, samples=60), filled_s=0.0, load_failures=5, away=1, outage=OUTAGE, outcome=Outcome.PASS,
)  # fmt: skip
TRIAL = Trial(
    name="1000-one-away", kind="load", arm="one-away", block=1, entity="orders", started_at="", users=4,
    duration_s=60.0, audit=AuditCounts(attempted=100, acknowledged=100, stored=100), outcome=Outcome.PASS,
)  # fmt: skip


def order(at_s: float, source: Literal["cache", "database", ""], missed: str = "", status: int = 202) -> Ordered:
    """Return an order that was picked then."""
    at_ns = int(at_s * SECOND)
    return Ordered(
        user=1, sequence=1, intended_ns=at_ns, sent_ns=at_ns, picked_ns=at_ns, answered_ns=at_ns, status=status,
        source=source, missed=missed,
    )  # fmt: skip


def test_orders_are_told_apart_by_when_they_were_picked() -> None:
    """Before, while nodes were away, and after; one hit between two misses is not yet the cache again."""
    orders = [
        order(1, "cache"), order(11, "database", "error"), order(12, "cache"), order(13, "", "nobody", status=0),
        order(21, "database", "error"), order(22, "cache"), order(23, "database", "empty"), order(24.5, "cache"),
        order(26, "cache"),
    ]  # fmt: skip
    found = outage_of(["valkey-2"], orders, (0, 10 * SECOND, 20 * SECOND), whole=True)
    assert (found.begin_s, found.end_s) == (10.0, 20.0)
    assert (found.orders, found.from_database, found.failed) == (3, 1, 1)
    assert found.back_s == 4.5
    assert outage_of(["valkey-2"], orders[:5], (0, 10 * SECOND, 20 * SECOND), whole=True).back_s is None


def test_loads_may_fail_while_nodes_are_away() -> None:
    """That is what is looked at, and makes the trial tell no less."""
    assert judged(FOUND, TRIAL, 50.0) == (Outcome.PASS, [])


@pytest.mark.parametrize(
    ("outage", "says"),
    [
        (None, "the nodes did not die"),
        (msgspec.structs.replace(OUTAGE, from_database=0), "nobody missed the nodes"),
        (msgspec.structs.replace(OUTAGE, whole=False), "did not become a cluster again"),
    ],
)
def test_an_outage_that_did_not_bite_says_nothing(outage: Outage | None, says: str) -> None:
    """The trial is INVALID, with the reason."""
    outcome, reasons = judged(msgspec.structs.replace(FOUND, outage=outage), TRIAL, 50.0)
    assert outcome is Outcome.INVALID
    assert says in reasons[0]


def test_degradation_is_a_claim_beside_the_others() -> None:
    """It holds where the database answered and nothing was lost or refused, and says how long it took to be over."""
    (claim,) = claims_of([FOUND], 50.0)
    assert (claim.name, claim.holds) == ("a node away", True)
    assert "10.0 s without valkey-2: 29 of 30 picks by the database" in claim.measured
    assert claim.measured.endswith("from the cache again 3.5 s after it")
    two = msgspec.structs.replace(
        FOUND, arm="two-away", away=2, lost=1, outage=msgspec.structs.replace(OUTAGE, back_s=None)
    )
    (claim,) = claims_of([two], 50.0)
    assert (claim.name, claim.holds) == ("no majority", False)
    assert claim.measured.endswith("1 lost, 0 doubled; not back in the trial")
