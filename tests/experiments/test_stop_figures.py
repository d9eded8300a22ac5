"""For how long partitions stood still, from ledgers whose stops are known."""

from __future__ import annotations

import numpy as np
import pytest

from contract.ids import Run
from contract.samples import Shape
from seawall.audit.ledger import NEVER, Ledger
from seawall.experiments.disturbances import first_running, sinks_for, unmade
from seawall.experiments.stop_figures import Disturbed, stop_figures
from seawall.result import Outcome, RebalanceFigures, Trial

S = 1_000_000_000
BATCH_NS = 50_000_000
PARTS = [Disturbed("before", "", 0, 10 * S), Disturbed("kill", "sink-2", 10 * S, 100 * S)]


def followed(*, stopped: dict[int, tuple[int, int]], partitions: int = 3) -> list[RebalanceFigures]:
    """Return the figures of twenty seconds of a record each tenth of a second in each partition.

    What comes in while a partition is *stopped*, from one moment to another, is visible at the end of that; all else
    after a twentieth of a second.
    """
    moments = np.arange(0, 20 * S, S // 10, dtype=np.int64)
    intended = np.repeat(moments, partitions)
    partition = np.tile(np.arange(partitions, dtype=np.int16), len(moments))
    visible = intended + BATCH_NS
    for number, (begin_ns, end_ns) in stopped.items():
        visible[(partition == number) & (visible > begin_ns) & (visible < end_ns)] = end_ns
    count = len(intended)
    ledger = Ledger(
        run=Run(1, 1), seed=1, shape=Shape(), endpoints=("POST /users",),
        user=np.ones(count, dtype=np.uint32), sequence=np.arange(count, dtype=np.uint32),
        entity=np.full(count, 2, dtype=np.uint8), endpoint=np.zeros(count, dtype=np.uint8),
        intended_ns=intended, sent_ns=intended, answered_ns=intended, status=np.full(count, 202, dtype=np.uint16),
        overruled=np.zeros(count, dtype=bool), denied=np.zeros(count, dtype=bool),
    )  # fmt: skip
    return stop_figures(ledger, visible, partition, PARTS, start_ns=0, repeats=[(11 * S, 4), (9 * S, 1), (12 * S, 2)])


def test_a_partition_that_nobody_reads_stands_still_and_the_others_do_not() -> None:
    """From its last row before until its next one, less the time in which nothing lay there."""
    before, after = followed(stopped={1: (11 * S, 17 * S)})
    assert (before.partitions, before.stopped, before.longest_stop_ms) == (3, 0, 50)
    assert (after.partitions, after.stopped, after.median_stop_ms) == (3, 1, 50)
    assert after.longest_stop_ms == pytest.approx(6_000, abs=100)
    assert after.visible_max_ms == pytest.approx(6_000, abs=100)
    assert (before.read_again, after.read_again) == (1, 6)
    assert (after.what, after.sink, after.at_s) == ("kill", "sink-2", 10)


def test_who_was_sent_before_a_sink_died_waits_for_that() -> None:
    """And not for what came before it."""
    before, after = followed(stopped={1: (10 * S - BATCH_NS // 2, 16 * S)})
    assert (before.stopped, before.visible_max_ms) == (0, 50)
    assert after.stopped == 1
    assert (after.visible_max_ms or 0) >= 6_000


def test_a_rebalance_that_stops_all_stops_all() -> None:
    """The median says so, too."""
    _, after = followed(stopped=dict.fromkeys(range(3), (12 * S, 14 * S)))
    assert after.stopped == 3
    assert after.median_stop_ms == after.longest_stop_ms == pytest.approx(2_000, abs=100)


def test_records_that_were_never_visible_are_the_audits_concern() -> None:
    """They end no stop; with none at all there is nothing to tell."""
    _, after = followed(stopped=dict.fromkeys(range(3), (10 * S, int(NEVER))))
    assert after.longest_stop_ms is None
    assert (after.partitions, after.stopped) == (0, 0)


@pytest.mark.parametrize(
    ("pattern", "sinks", "first"),
    [((), 1, 1), (("join",), 2, 1), (("leave",), 2, 2), (("join", "leave"), 2, 1), (("join", "leave", "kill"), 3, 2),
     (("kill", "join", "kill", "join"), 2, 2), (("join", "join", "leave", "kill"), 3, 1)],
)  # fmt: skip
def test_one_sink_is_always_left(pattern: tuple[str, ...], sinks: int, first: int) -> None:
    """And whoever joins was away when the trial began."""
    assert sinks_for(pattern) == sinks
    assert first_running(pattern, sinks) == first


@pytest.mark.parametrize(
    ("before", "after"),
    [(Outcome.PASS, Outcome.INVALID), (Outcome.FAIL, Outcome.FAIL), (Outcome.INVALID, Outcome.INVALID)],
)
def test_a_change_that_was_not_made_says_nothing(before: Outcome, after: Outcome) -> None:
    """The trial is INVALID, but a loss is a loss."""
    trial = Trial(name="t", kind="load", arm="a", block=0, entity="users", started_at="", users=1, outcome=before)
    assert unmade(trial, [], made=2, asked=2) == trial
    found = unmade(trial, ["sink-2 has no process"], made=1, asked=2)
    assert found.outcome is after
    assert found.reasons == ["1 of 2 changes of the group were made: sink-2 has no process"]
