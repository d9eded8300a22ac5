"""What a profile held and what was sent of it is told apart request by request, whatever clocks say."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from contract.ids import Run
from contract.samples import AS_DRAWN
from seawall.audit.ledger import Ledger
from seawall.experiments.figures import Window
from seawall.experiments.planned import Planned
from seawall.load.pace import Arrival
from seawall.load.profile import Curve, Profile, Stage
from seawall.load.profiled import times_of
from seawall.load.run_record import RunRecord

START_NS, PLACES, SECOND = 5 * 10**12, 6, 10**9
PROFILE = Profile(
    name="Two",
    stages=(
        Stage(name="low", duration_s=2, from_per_s=30, to_per_s=30),
        Stage(name="high", duration_s=2, from_per_s=60, to_per_s=60),
    ),
)


def record(arrival: Arrival) -> RunRecord:
    """Return the record of a run of two workers: the first had four users, the second, of number 3, two."""
    return RunRecord(
        run_ms=1, run_nonce=1, seed=9, entity="orders", loop="open", arrival=arrival, rate_per_s=None,
        record_bytes=None, compressibility=None, key_skew=0.0, partitions=1, started_at="", started_ns=START_NS,
        ended_ns=START_NS + 4 * SECOND, profile=PROFILE, places=PLACES, first_places={0: 0, 3: 4},
    )  # fmt: skip


def ledger(rows: list[tuple[int, int, int]]) -> Ledger:
    """Return a ledger of (user, intended, sent)."""
    user, intended, sent = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    zeros = np.zeros(len(rows), dtype=np.uint8)
    return Ledger(
        run=Run(1, 1), seed=9, shape=AS_DRAWN, endpoints=("POST /",), user=user.astype(np.uint32),
        sequence=zeros.astype(np.uint32), entity=zeros, endpoint=zeros, intended_ns=intended, sent_ns=sent,
        answered_ns=sent + 1, status=np.full(len(rows), 201, dtype=np.uint16), overruled=zeros.astype(bool),
        denied=zeros.astype(bool),
    )  # fmt: skip


@pytest.mark.parametrize("arrival", ["uniform", "poisson"])
def test_what_was_not_sent_is_known_moment_by_moment(arrival: Arrival) -> None:
    """One user stops in the middle, one leaves one out; a clock is 0.2 ms off; more requests of a task are no plan."""
    users = [0, 1, 2, 3, 3 << 16, 3 << 16 | 1]
    moments = [list(times_of(Curve(PROFILE), arrival, seed=9, place=place, places=PLACES)) for place in range(PLACES)]
    kept = [times[: len(times) // 2] if place == 1 else times for place, times in enumerate(moments)]
    kept[2] = [*moments[2][:5], *moments[2][6:]]
    rows = [
        (user, START_NS + at_ns + (200_000 if user >> 16 else 0), START_NS + at_ns + 900_000)
        for user, times in zip(users, kept, strict=True)
        for at_ns in times
    ]
    rows += [(2, at_ns := START_NS + SECOND, at_ns)]
    np.random.default_rng(1).shuffle(rows)
    planned = Planned.of(record(arrival), ledger(rows))
    assert planned is not None
    for begin_s, end_s in ((0, 2), (2, 4)):
        window = Window(START_NS + begin_s * SECOND, START_NS + end_s * SECOND)
        due, sent = (
            sum(begin_s * SECOND <= at_ns < end_s * SECOND for times in those for at_ns in times)
            for those in (moments, kept)
        )
        assert planned.counts(window) == (due, sent)
        missing = [moments[2][5], *moments[1][len(kept[1]) :]]
        inside = [at_ns for at_ns in missing if begin_s * SECOND <= at_ns < end_s * SECOND]
        assert sorted(planned.unsent_ns(window) - START_NS) == sorted(inside)
    if arrival == "uniform":
        assert len(planned.times_ns) == 180


def test_a_run_without_a_profile_or_that_never_began_planned_nothing() -> None:
    """Then nothing can be told by moments."""
    rows = ledger([(0, START_NS + 1, START_NS + 2)])
    alike = record("uniform")
    assert Planned.of(msgspec.structs.replace(alike, profile=None), rows) is None
    assert Planned.of(msgspec.structs.replace(alike, first_places={}), rows) is None
