"""What a fault did to requests: from ledgers of which all is known."""

from __future__ import annotations

import numpy as np
import pytest

from contract.ids import Run
from contract.samples import Shape
from seawall.audit.ledger import NEVER, Int64s, Ledger
from seawall.experiments.fault_figures import FaultFigures, fault_figures, moments

SECOND, MS = 10**9, 10**6
COUNT = 1_000
"""Ten seconds, one request each hundredth."""


def course(status: dict[int, int], took_ms: dict[int, float], *, lookups: bool = False) -> tuple[Ledger, Int64s]:
    """Return a ledger and when its records were visible; what is not named was stored within 5 ms."""
    intended_ns = np.arange(COUNT, dtype=np.int64) * 10 * MS
    took_ns = np.array([took_ms.get(number, 5.0) * MS for number in range(COUNT)], dtype=np.int64)
    statuses = np.array([status.get(number, 201) for number in range(COUNT)], dtype=np.uint16)
    ledger = Ledger(
        run=Run(1, 1),
        seed=1,
        shape=Shape(),
        endpoints=("POST /v1/kafka/users",),
        user=np.zeros(COUNT, dtype=np.uint32),
        sequence=np.arange(COUNT, dtype=np.uint32),
        entity=np.full(COUNT, 0 if lookups else 2, dtype=np.uint8),
        endpoint=np.zeros(COUNT, dtype=np.uint8),
        intended_ns=intended_ns,
        sent_ns=intended_ns,
        answered_ns=intended_ns + took_ns,
        status=statuses,
        overruled=np.zeros(COUNT, dtype=np.bool_),
        denied=np.zeros(COUNT, dtype=np.bool_),
    )
    visible_ns = np.where(statuses == 201, ledger.answered_ns + 50 * MS, NEVER)
    return ledger, visible_ns


def figures(
    ledger: Ledger, visible_ns: Int64s, begin_s: float = 3.0, end_s: float = 5.0, settled_s: float = 0.0
) -> FaultFigures:
    """Return the figures of a fault."""
    return fault_figures(
        ledger,
        visible_ns,
        begin_ns=int(begin_s * SECOND),
        end_ns=int(end_s * SECOND),
        last_due_ns=10 * SECOND,
        limits_ms=(200.0, 1_000.0),
        settled_ns=int(settled_s * SECOND),
    )


def test_what_fails_in_the_warm_up_is_not_counted() -> None:
    """It is nobody's doing that is judged; what is due afterwards counts, wherever the fault begins."""
    found = figures(*course(dict.fromkeys(range(50, 120), 503), {}), settled_s=1.0)
    assert (found.failed, found.refused) == (20, 20)
    assert found.bad_before == pytest.approx(0.2)


def test_a_fault_that_nobody_notices_has_no_time_of_detection_and_none_of_recovery() -> None:
    """All is as before when it ends."""
    found = figures(*course({}, {}))
    assert (found.detect_s, found.recover_s, found.failed, found.refused) == (None, 0.0, 0, 0)


def test_refusals_are_noticed_with_their_answer_and_over_with_the_last_one() -> None:
    """From 3.1 s to 5.6 s everything is refused within 2 ms; the first refusals, which took a second, are let pass."""
    found = figures(
        *course(dict.fromkeys(range(310, 561), 503), {n: 2.0 if n > 320 else 1_000.0 for n in range(310, 561)})
    )
    assert found.detect_s == pytest.approx(0.1 + 0.112, abs=0.01)
    assert found.recover_s == pytest.approx(0.75)
    assert (found.failed, found.refused) == (251, 251)
    assert (found.refused_p50_ms, found.refused_p99_ms) == (2.0, 2.0)


def test_a_late_answer_is_noticed_when_it_is_late() -> None:
    """Although it comes three seconds later."""
    found = figures(*course({}, {350: 3_000.0}))
    assert found.detect_s == pytest.approx(0.7, abs=0.01)
    assert found.failed == 0


def test_records_that_become_visible_late_keep_the_service_from_being_as_before() -> None:
    """A sink that is away is not seen in any answer."""
    ledger, visible_ns = course({}, {})
    late = slice(400, 701)
    visible_ns[late] = 8 * SECOND + 10 * MS
    found = figures(ledger, visible_ns)
    assert found.detect_s is None
    assert found.recover_s == pytest.approx(2.25)
    of_lookups, nothing = course({}, {}, lookups=True)
    nothing[:] = NEVER
    assert figures(of_lookups, nothing).recover_s == 0.0


def test_what_lasts_until_the_end_is_no_recovery() -> None:
    """Nobody knows when it would have been over."""
    assert figures(*course(dict.fromkeys(range(920, 1_000), 503), {})).recover_s is None
    assert figures(*course({}, {})).recover_s == 0.0


def test_a_stall_of_the_machine_long_after_is_no_part_of_it() -> None:
    """Half a second by itself; one that is longer, or not alone, or right after the fault, is."""
    assert figures(*course(dict.fromkeys(range(800, 850), 503), {})).recover_s == 0.0
    assert figures(*course({999: 503}, {})).recover_s == 0.0
    assert figures(*course(dict.fromkeys(range(800, 876), 503), {})).recover_s == pytest.approx(4.0)
    assert figures(*course({750: 503, 800: 503, 850: 503}, {})).recover_s == pytest.approx(3.75)
    assert figures(*course({510: 503}, {})).recover_s == pytest.approx(0.25)


def test_after_a_long_calm_only_much_that_is_bad_is_a_relapse() -> None:
    """Six seconds are calm; then a second is bad, a third of it or all."""
    little, much = (dict.fromkeys(range(900, 1000, step), 503) for step in (3, 1))
    assert figures(*course(little, {}), begin_s=2.0, end_s=3.0).recover_s == 0.0
    assert figures(*course(much, {}), begin_s=2.0, end_s=3.0).recover_s is None


def test_what_was_bad_before_the_fault_is_told() -> None:
    """Of the time that can be judged: records due within the last second before it become visible during it."""
    assert figures(*course(dict.fromkeys(range(100), 503), {})).bad_before == pytest.approx(0.5)
    assert figures(*course({}, {})).bad_before == 0.0


def test_the_course_says_what_was_due_when() -> None:
    """A quarter of a second each: rates, times of what succeeded, and what is not visible yet."""
    ledger, visible_ns = course(dict.fromkeys(range(300, 400), 503), {})
    visible_ns[500:525] = 9 * SECOND
    found = moments(ledger, visible_ns, start_ns=0, end_ns=10 * SECOND)
    assert len(found) == 40
    assert [one.at_s for one in found[:2]] == [0.125, 0.375]
    assert (found[4].accepted_per_s, found[4].failed_per_s, found[4].response_p95_ms) == (100.0, 0.0, 5.0)
    assert (found[13].accepted_per_s, found[13].failed_per_s, found[13].response_p95_ms) == (0.0, 100.0, None)
    assert found[22].lag == pytest.approx(25 + 5, abs=1)
    assert found[-1].lag == pytest.approx(5, abs=1)
