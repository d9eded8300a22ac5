"""Which pairs of arms are compared, and what stands beside a ratio."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.experiments.arms import ARMS, as_they_are
from seawall.experiments.pairs import compare_pairs
from seawall.result import Arm, ArmComparison, AuditCounts, Trial

STORED = AuditCounts(attempted=10, acknowledged=10, stored=10)


def compared(
    *names: str, durations_s: Sequence[float] = (1.0, 1.1), promised: bool = True
) -> dict[tuple[str, str], ArmComparison]:
    """Return the comparisons of durations of these arms, each with a trial for each duration."""
    plans = [ARMS[name] for name in names] if promised else as_they_are(names)
    arms = [Arm(name=plan.name, path=plan.path, durability=plan.durability) for plan in plans]
    trials = [
        Trial(name="t", kind="data", arm=name, block=0, entity="users", started_at="", users=1, count=10,
              duration_s=seconds * (2 if name == "kafka" else 1), audit=STORED)
        for name in names
        for seconds in durations_s
    ]  # fmt: skip
    found = compare_pairs(plans, arms, trials)
    return {(row.base, row.arm): row for row in found if row.metric == "duration_s"}


def test_arms_of_one_stack_are_all_compared() -> None:
    """Each pair once, the earlier arm as the base, with what their promises differ in."""
    found = compared("sync", "sync-later", "kafka", "kafka-flushed")
    assert len(found) == 6
    assert found["sync", "kafka"].unequal == "1 broker, page cache against fsync"
    assert found["sync", "kafka-flushed"].unequal == ""
    assert not any(row.across_stacks for row in found.values())


def test_a_bridge_stands_for_its_twin() -> None:
    """What has a twin on the other stack is compared there; the twins with each other show what the stack does."""
    found = compared("sync", "grouped", "kafka", "sync-3", "kafka-3")
    assert set(found) == {
        ("sync", "grouped"),
        ("sync", "kafka"),
        ("grouped", "kafka"),
        ("sync-3", "kafka-3"),
        ("sync", "sync-3"),
        ("grouped", "kafka-3"),
        ("kafka", "kafka-3"),
    }
    across = {pair for pair, row in found.items() if row.across_stacks}
    assert across == {("sync", "sync-3"), ("grouped", "kafka-3"), ("kafka", "kafka-3")}


def test_without_a_bridge_arms_are_compared_across_stacks() -> None:
    """Better a ratio that says so than none."""
    found = compared("sync", "kafka-3")
    assert found["sync", "kafka-3"].across_stacks


def test_two_trials_say_how_many_are_needed() -> None:
    """The number follows from the spread between trials, and is at least what an interval takes."""
    wide = compared("sync", "kafka", durations_s=(1.0, 1.5), promised=False)["sync", "kafka"]
    narrow = compared("sync", "kafka", durations_s=(1.0, 1.001), promised=False)["sync", "kafka"]
    assert wide.says == narrow.says == "too few trials"
    assert wide.trials_needed is not None
    assert narrow.trials_needed == 4
    assert wide.trials_needed > 20


def test_one_trial_cannot_say_how_many_are_needed() -> None:
    """It shows no spread."""
    assert compared("sync", "kafka", durations_s=(1.0,))["sync", "kafka"].trials_needed is None


def test_an_interval_needs_no_advice() -> None:
    """Four trials an arm give one."""
    row = compared("sync", "kafka", durations_s=(1.0, 1.01, 1.02, 1.03))["sync", "kafka"]
    assert row.ci_low is not None
    assert row.trials_needed is None
