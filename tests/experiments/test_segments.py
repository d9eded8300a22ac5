"""The order of a comparison's trials, and which of them share a stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seawall.experiments.arms import ARMS, durability_arms
from seawall.experiments.compare_options import CompareOptions
from seawall.experiments.segments import HEAVY_WARM_UP_S, Segment, planned_segments, warm_up_records

ALL = durability_arms(("sync", "grouped", "kafka"))


def planned(**options: Any) -> list[Segment]:
    """Return the segments of a comparison with these options."""
    return planned_segments(CompareOptions(**options), Path("raw"))


def arms_of(segment: Segment) -> list[str]:
    """Return the arms of its trials, in their order."""
    return [trial.arm for trial in segment.trials]


def test_paths_as_they_are_need_one_stack() -> None:
    """All blocks are one segment, each cell there and back."""
    (segment,) = planned(paths=("sync", "kafka"), counts=(10,), entities=("users",), blocks=2)
    assert segment.brokers is None
    assert segment.needs_kafka
    assert arms_of(segment) == ["sync", "kafka", "kafka", "sync"] * 4
    assert [trial.kind for trial in segment.trials] == (["data"] * 4 + ["load"] * 4) * 2
    assert [trial.block for trial in segment.trials] == [0] * 8 + [1] * 8


def test_arms_of_two_stacks_take_turns() -> None:
    """Each block has a segment a stack, every other block in the opposite order, each there and back."""
    segments = planned(arms=ALL, parts=("load",), blocks=2)
    assert [(segment.brokers, segment.trials[0].block) for segment in segments] == [(1, 0), (3, 0), (3, 1), (1, 1)]
    one = ["sync", "sync-later", "grouped", "kafka", "kafka-flushed"]
    assert [arms_of(segment) for segment in segments[:2]] == [
        one + one[::-1],
        ["sync-3", "kafka-3", "kafka-3", "sync-3"],
    ]
    assert len({segment.name for segment in segments}) == 4


def test_arms_that_share_a_stack_need_one_segment() -> None:
    """Settings of running servers need no other stack."""
    (segment,) = planned(arms=("sync", "sync-later"), parts=("load",), blocks=3)
    assert not segment.needs_kafka
    assert len(segment.trials) == 12


def test_every_trial_leaves_files_of_its_own() -> None:
    """No two trials share a name, warm-ups included."""
    segments = planned(arms=ALL, blocks=3)
    names = [trial.load.name for segment in segments for trial in (*segment.warm_up, *segment.trials)]
    assert len(set(names)) == len(names)


def test_each_segment_warms_up_each_path_once() -> None:
    """A new stack is cold, and arms of one path warm the same code."""
    segments = planned(arms=ALL, parts=("load",), blocks=1)
    assert [[trial.load.path for trial in segment.warm_up] for segment in segments] == [
        ["sync", "grouped", "kafka"],
        ["sync", "kafka"],
    ]
    assert {trial.load.count for segment in segments for trial in segment.warm_up} == {
        warm_up_records(CompareOptions())
    }


def test_axes_reach_every_trial() -> None:
    """Shape and skew are those of all loads, the arrival that of scheduled ones; records of a warm-up can be so."""
    (segment,) = planned(
        paths=("kafka",), entities=("orders",), load_entity="orders", counts=(5,), blocks=1, record_bytes=2_000,
        compressibility=0.5, key_skew=1.0, arrival="poisson",
    )  # fmt: skip
    for trial in (*segment.warm_up, *segment.trials):
        load = trial.load
        assert (load.record_bytes, load.compressibility, load.key_skew) == (2_000, 0.5, 1.0)
        assert load.entity == "orders"
        assert load.arrival == ("poisson" if trial.kind == "load" else "uniform")


def test_the_bridge_is_left_out_where_there_is_nothing_to_bridge() -> None:
    """Without the Kafka path, nothing runs on three brokers."""
    assert durability_arms(("sync",)) == ("sync", "sync-later")
    assert durability_arms(("kafka",)) == ("kafka", "kafka-flushed", "kafka-3")
    assert tuple(ARMS) == ALL


def test_a_heavy_load_also_warms_up_by_itself() -> None:
    """Each path once, with the same users at the same rate; a light load, or none, does without."""
    (segment,) = planned(paths=("sync", "kafka"), users=2_000, rate_per_s=1.0, duration_s=7.0)
    loads = [trial.load for trial in segment.warm_up if trial.kind == "load"]
    assert [(load.path, load.users, load.rate_per_s, load.duration_s) for load in loads] == [
        ("sync", 2_000, 1.0, HEAVY_WARM_UP_S),
        ("kafka", 2_000, 1.0, HEAVY_WARM_UP_S),
    ]
    for light in ({"users": 1_999, "rate_per_s": 1.0}, {"users": 2_000, "rate_per_s": 1.0, "parts": ("data",)}):
        (segment,) = planned(paths=("sync", "kafka"), **light)
        assert {trial.kind for trial in segment.warm_up} == {"data"}
