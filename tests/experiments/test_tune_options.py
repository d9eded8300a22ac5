"""What a sweep asks of the servers at each level, and what is refused before any is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seawall.experiments.errors import BadOptions
from seawall.experiments.segments import planned_segments
from seawall.experiments.tune_options import TuneOptions
from seawall.stack import jvm
from seawall.stack.options import StackOptions
from seawall.tuning.catalogue import knob_named
from seawall.tuning.kafka_settings import KafkaSettings


def options(name: str, **changes: Any) -> TuneOptions:
    """Return those of a sweep of a knob over the levels of the catalogue."""
    knob = knob_named(name)
    return TuneOptions(**{"knob": knob, "levels": knob.levels, "paths": ("kafka",), "parts": ("load",), **changes})


def test_a_knob_of_running_servers_needs_one_stack() -> None:
    """Settings that it cannot do without stand beside it at each level."""
    sweep = options("commit_interval_ms", blocks=2)
    (segment,) = planned_segments(sweep, Path("raw"))
    assert segment.started_with == KafkaSettings()
    assert [arm.settings.variables["sink"]["SEAWALL_SINK_OFFSET_COMMITS"] for arm in segment.arms] == ["automatic"] * 3
    assert not sweep.own_stacks


@pytest.mark.parametrize(
    ("name", "levels", "table"),
    [
        ("partitions", (6,), "stack"),
        ("heap", ("1g",), "stack"),
        ("collector", ("ZGC",), "stack"),
        ("log.cleaner.enable", (False,), "broker"),
    ],
)
def test_a_knob_of_a_start_needs_a_stack_for_each_level(name: str, levels: tuple[Any, ...], table: str) -> None:
    """Each block has one of each, every other block in the opposite order, and no other settings differ."""
    sweep = options(name, levels=levels, blocks=2)
    segments = planned_segments(sweep, Path("raw"))
    values = [getattr(segment.started_with, table)[name] for segment in segments]
    shipped = knob_named(name).shipped
    assert values == [shipped, *levels, *levels, shipped]
    assert len({segment.name for segment in segments}) == len(segments)
    assert all(len(segment.arms) == 1 and len(segment.trials) == 2 for segment in segments)
    assert all(arm.settings.variables == {} for segment in segments for arm in segment.arms)


@pytest.mark.parametrize(
    ("name", "again"), [("retention.ms", 0), ("retention.bytes", 0), ("cleanup.policy", 2), ("segment.bytes", 0)]
)
def test_a_knob_of_the_disk_has_brokers_that_tidy_up_soon(name: str, again: int) -> None:
    """One stack for all levels, which differ in nothing but the knob, and a look at the disk after each trial."""
    sweep = options(name, blocks=1)
    (segment,) = planned_segments(sweep, Path("raw"))
    assert sweep.looks_at_disk
    assert sweep.written_again == again
    assert sweep.started_with.broker["log.retention.check.interval.ms"] == 1_000
    others = [{key: value for key, value in arm.settings.topics.items() if key != name} for arm in segment.arms]
    assert all(other == others[0] for other in others)
    assert options(name, blocks=1, rewrites=5).written_again == 5


def test_the_cleaner_is_switched_off_and_on_with_topics_that_are_compacted() -> None:
    """Its stacks tidy up soon, too, and their topics are compacted at each level."""
    sweep = options("log.cleaner.enable", blocks=1)
    segments = planned_segments(sweep, Path("raw"))
    assert [segment.started_with.broker["log.cleaner.enable"] for segment in segments] == [True, False]
    assert all(segment.started_with.topic["cleanup.policy"] == "compact" for segment in segments)
    assert all(segment.started_with.broker["log.cleaner.backoff.ms"] == 500 for segment in segments)


def test_partitions_of_the_settings_are_those_of_the_stack() -> None:
    """Whoever asks it how many there are is told so."""
    found = StackOptions(settings=KafkaSettings(stack={"partitions": 7})).checked()
    assert found.partitions == 7


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "offset_commits", "kill": "broker"}, "known is sink"),
        ({"name": "offset_commits", "kill": "sink", "duration_s": 5.0}, "at least 8 s"),
        ({"name": "transactions", "settings": KafkaSettings(producer={"enable.idempotence": False})}, "idempotence"),
        ({"name": "flush_every", "settings": KafkaSettings(api={"SEAWALL_KAFKA_TRANSACTIONS": "group"})}, "flushes"),
        ({"name": "replication"}, "less than 3 brokers"),
        ({"name": "assignor", "disturb": ("join", "fall"), "duration_s": 40.0}, "unknown 'fall'"),
        ({"name": "assignor", "disturb": ("join", "leave"), "duration_s": 10.0}, "at least 22 s"),
        ({"name": "assignor", "disturb": ("leave",), "duration_s": 40.0, "sinks": 1}, "needs 2"),
        ({"name": "assignor", "disturb": ("kill",), "duration_s": 40.0, "kill": "sink"}, "leave --kill out"),
        (
            {"name": "assignor", "settings": KafkaSettings(consumer={"partition.assignment.strategy": "range"})},
            "the broker has it then",
        ),
        ({"name": "linger.ms", "rewrites": 2}, "effect is on the disk"),
        ({"name": "cleanup.policy", "rewrites": 11}, "not between 0 and 10"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    """In the words of the rule."""
    with pytest.raises(BadOptions, match=words):
        options(**changes).validate()


def test_a_heap_that_memory_does_not_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """All brokers' together, with what there is."""

    class Memory:
        total = 8 * 2**30

    monkeypatch.setattr("psutil.virtual_memory", Memory)
    assert jvm.obstacle({"heap": "4g"}, 1) == ""
    assert "of 8.0 GB" in jvm.obstacle({"heap": "4g"}, 3)
    with pytest.raises(BadOptions, match="heap=8g"):
        options("heap", levels=("8g",)).validate()


def test_a_collector_brings_its_flag() -> None:
    """And the heap both of its limits."""
    assert jvm.flags({"heap": "1g", "collector": "ZGC"})[:3] == ["-Xms1g", "-Xmx1g", "-XX:+UseZGC"]
    assert "-XX:+UseG1GC" in jvm.flags({})
    assert not jvm.is_usual({"collector": "Serial"})
