"""Ratios between arms, from comparisons made up for the purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from seawall.report.ratio_tables import improvement_table, ratio_table
from seawall.result import Arm, ArmComparison, Outcome, Result

ARMS = [
    Arm(name="sync", path="sync", durability="fsync"),
    Arm(name="kafka", path="kafka", durability="1 broker, page cache"),
    Arm(name="kafka-flushed", path="kafka", durability="1 broker, flushed"),
    Arm(name="sync-3", path="sync", durability="fsync"),
]
UNEQUAL = "1 broker, page cache against fsync"
KNOWN: dict[str, Any] = {"ci_low": 0.4, "ci_high": 0.6, "significant": True, "says": "smaller"}
UNKNOWN: dict[str, Any] = {"says": "too few trials"}


def row(base: str, arm: str, *, kind: str = "load", metric: str = "visible_p95_ms", **rest: Any) -> ArmComparison:
    """Return one comparison."""
    count = 100 if kind == "data" else None
    return ArmComparison(
        base=base, arm=arm, kind=kind, entity="users", count=count, metric=metric, ratio=0.5, trials=2, **rest
    )


def shown(*rows: ArmComparison, kind: str = "load") -> str:
    """Return the printed table of these rows."""
    found = Result(
        experiment="compare",
        started_at="a",
        finished_at="b",
        seed=1,
        outcome=Outcome.PASS,
        arms=ARMS,
        comparisons=list(rows),
    )
    console = Console(width=240, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    for table in improvement_table(found, "simple") if kind == "improvement" else ratio_table(found, kind, "simple"):
        console.print(table)
    return console.export_text()


def test_arms_that_promise_the_same_come_first() -> None:
    """Pairs of equal durability stand apart from those that cannot be ranked, and a line says that they cannot."""
    text = shown(
        row("sync", "kafka", unequal=UNEQUAL, **KNOWN),
        row("sync", "kafka-flushed", **KNOWN),
    )
    assert text.index("1 broker, flushed against fsync") < text.index(UNEQUAL)
    assert "Not a ranking where durability differs" in text


def test_equals_need_no_warning() -> None:
    """Nothing is said about durability where it is the same."""
    text = shown(row("sync", "kafka-flushed", **KNOWN))
    assert "Not a ranking" not in text
    assert "0.50 [0.40, 0.60]" in text


def test_arms_of_two_stacks_are_marked() -> None:
    """The row says so, and a line says what that means."""
    text = shown(row("sync", "sync-3", across_stacks=True, **KNOWN))
    assert "fsync, two stacks" in text
    assert "ran in turns on servers of their own" in text


def test_the_number_of_trials_is_said_once_for_a_table() -> None:
    """Two trials an arm have no interval: one line names how many the widest spread takes, and in how many blocks."""
    text = shown(
        row("sync", "kafka", trials_needed=7, unequal=UNEQUAL, **UNKNOWN),
        row("sync", "kafka-flushed", trials_needed=11, **UNKNOWN),
        row("sync", "sync-3", metric="response_p95_ms", trials_needed=50, **UNKNOWN),
    )
    assert text.count("For ±10 % on visible p95 run about 11 trials an arm (--blocks 6).") == 1
    assert "0.50 (no interval: 2 trials)" in text


def test_one_trial_shows_no_spread() -> None:
    """Where nobody can say how many, two are asked for first."""
    assert "run at least 2 an arm" in shown(row("sync", "kafka", **UNKNOWN))


def test_no_difference_is_said_in_words() -> None:
    """An interval that holds 1 is said to show none."""
    doubtful: dict[str, Any] = {"ci_low": 0.4, "ci_high": 1.2, "says": "no difference shown"}
    assert "no difference shown" in shown(row("sync", "kafka", **doubtful))


def test_equal_data_has_a_row_for_each_number_of_records() -> None:
    """Entity and count stand before the arms."""
    text = shown(row("sync", "kafka", kind="data", metric="duration_s", unequal=UNEQUAL, **KNOWN), kind="data")
    assert [word for word in text.splitlines()[-3].split() if word][:4] == ["users", "100", "kafka", "sync"]


def test_what_kafka_gains_names_both_classes() -> None:
    """The table of gains is no ranking either."""
    text = shown(row("sync", "kafka", kind="data", metric="duration_s", unequal=UNEQUAL, **KNOWN), kind="improvement")
    assert UNEQUAL in text
    assert "Not a ranking" in text


def test_without_pairs_there_is_no_table() -> None:
    """One arm has nothing to be held against."""
    assert shown() == ""
    assert shown(kind="improvement") == ""
