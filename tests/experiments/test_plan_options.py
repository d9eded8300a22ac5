"""What a plan of several knobs may ask for, and the order of its trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seawall.experiments.errors import BadOptions
from seawall.experiments.plan_options import PlanOptions
from seawall.experiments.segments import planned_segments
from seawall.tuning.errors import BadSettings
from seawall.tuning.kafka_settings import KafkaSettings
from seawall.tuning.plan import read_plan

TWO = '[factors]\n"linger.ms" = [0, 25]\n"batch.size" = [16384, 65536]\n'


def options(tmp_path: Path, text: str, **rest: Any) -> PlanOptions:
    """Return the options of a plan's text."""
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return PlanOptions(plan=read_plan(path), paths=("kafka",), parts=("load",), **{"blocks": 4, **rest})


def mistakes(tmp_path: Path, text: str, **rest: Any) -> str:
    """Return what is wrong with it, a line each."""
    with pytest.raises((BadOptions, BadSettings)) as caught:
        options(tmp_path, text, **rest).validate()
    return str(caught.value)


def test_each_block_runs_every_cell_once_in_an_order_of_its_own(tmp_path: Path) -> None:
    """The seed says in which; all share a stack."""
    asked = options(tmp_path, 'design = "full"\n' + TWO + '"acks" = [1, -1]\n', blocks=3)
    asked.validate()
    (segment,) = planned_segments(asked, tmp_path)
    orders = [[trial.arm for trial in segment.trials if trial.block == block] for block in range(3)]
    assert all(sorted(order) == [cell.arm for cell in asked.cells()] for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    again = planned_segments(options(tmp_path, 'design = "full"\n' + TWO + '"acks" = [1, -1]\n', blocks=3), tmp_path)
    assert [trial.arm for trial in again[0].trials] == [trial.arm for trial in segment.trials]
    assert len({trial.load.name for trial in segment.trials}) == 24


def test_a_cell_has_its_levels_and_what_they_need(tmp_path: Path) -> None:
    """What stands beside the factors holds in each cell, and a factor wins over what another one needs."""
    beside = KafkaSettings(producer={"batch.num.messages": 100}, sink={"SEAWALL_SINK_BATCH_SIZE": 50})
    text = 'design = "full"\n[factors]\n"compression.level" = [1, 6]\n"producer.compression.type" = ["lz4", "zstd"]\n'
    asked = options(tmp_path, text, settings=beside)
    asked.validate()
    found = [settings.producer for settings in asked.cell_settings()]
    assert {"batch.num.messages": 100, "compression.level": 1, "compression.type": "lz4"} in found
    assert len(found) == 4
    assert all(settings.sink == beside.sink for settings in asked.cell_settings())
    alone = options(tmp_path, 'design = "full"\n[factors]\n"compression.level" = [1, 6]\n"linger.ms" = [0, 5]\n')
    assert all(settings.producer["compression.type"] == "zstd" for settings in alone.cell_settings())
    assert asked.cells()[0].levels == {"compression.level": "1", "producer.compression.type": "lz4"}


DISK = """
design = "full"
[factors]
"cleanup.policy" = ["delete", "compact,delete"]
"segment.bytes" = [1048576, 2097152]
"""


def test_a_factor_whose_effect_is_on_the_disk_has_each_trial_end_with_a_look_at_it(tmp_path: Path) -> None:
    """Of brokers that tidy up soon, with records that are written as often as the knob wants, or as one says."""
    asked = options(tmp_path, DISK)
    asked.validate()
    assert asked.looks_at_disk
    assert asked.written_again == 2
    assert options(tmp_path, DISK, rewrites=5).written_again == 5
    assert asked.started_with.broker["log.retention.check.interval.ms"] == 1_000
    assert asked.takes_s > options(tmp_path, 'design = "full"\n' + TWO).takes_s
    assert not options(tmp_path, 'design = "full"\n' + TWO).looks_at_disk
    assert {settings.topic["cleanup.policy"] for settings in asked.cell_settings()} == {"delete", "compact,delete"}


def test_the_sinks_group_is_changed_in_each_trial(tmp_path: Path) -> None:
    """With enough sinks for it, at the same times whoever keeps them, and in no steady state."""
    asked = options(tmp_path, 'design = "full"\n' + TWO, disturb=("join", "leave"), duration_s=22.0)
    asked.validate()
    assert asked.fewest_sinks == 2
    assert asked.started_with.broker["group.consumer.session.timeout.ms"] == 6_000
    assert not asked.steady
    assert asked.as_json()["disturb"] == ("join", "leave")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"disturb": ("join",), "duration_s": 5.0}, "with 1 changes of the group at least 12 s"),
        ({"kill": "sink", "duration_s": 5.0}, "with --kill at least 8 s"),
        ({"rewrites": 2}, "linger.ms, batch.size is none"),
    ],
)
def test_what_is_done_beside_the_load_has_the_rules_of_a_sweep(
    tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    """Each by name."""
    assert words in mistakes(tmp_path, 'design = "full"\n' + TWO, **given)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('design = "full"\n[factors]\n"linger.sm" = [0, 1]\n"acks" = [1, -1]\n', "do you mean linger.ms"),
        ('design = "full"\n[factors]\n"linger.ms" = [0, 1]\n', "holds 1, and a full design takes 2 to 6"),
        ('design = "full"\n[factors]\n"linger.ms" = [-1, 1]\n"acks" = [1, -1]\n', "choose 0 to 900,000"),
        ('design = "full"\n[factors]\n"linger.ms" = [0, 1, 5]\n"acks" = [1, -1]\n', "give two different ones"),
        ('design = "full"\n[factors]\n"linger.ms" = [5, 5]\n"acks" = [1, -1]\n', "give two different ones"),
        ('design = "full"\n[factors]\n"acks" = [1, -1]\n"producer.acks" = [1, -1]\n', "stands there twice"),
        ('design = "full"\n[factors]\n"compression.type" = ["none", "lz4"]\n"acks" = [1, -1]\n', "say producer."),
        ('design = "half"\n' + TWO, "design"),
        ('design = "fractional"\n' + TWO, "resolution belongs to"),
        ('design = "full"\nresolution = 4\n' + TWO, "resolution belongs to"),
        ('design = "full"\nfactor = 1\n' + TWO, "factor"),
        ("design = full", "docs/tuning.md"),
        (
            'design = "full"\n[factors]\n"acks" = [1, -1]\n"enable.idempotence" = [true, false]\n',
            "acks=1, enable.idempotence=true): acks=1 with enable.idempotence=true: idempotence needs acks=-1",
        ),
        ('design = "full"\n[factors]\n"num.replica.fetchers" = [1, 4]\n"acks" = [1, -1]\n', "less than 3 brokers"),
        ('design = "full"\n[factors]\n"partitions" = [1, 6]\n"acks" = [1, -1]\n', "sweep it by --knob partitions"),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """With the cell and the rule where it is a combination."""
    assert words in mistakes(tmp_path, text)


def test_a_plan_that_takes_too_long_or_tells_nothing_is_refused(tmp_path: Path) -> None:
    """It says how long it would take, and how many repeats it needs."""
    names = ("linger.ms", "batch.size", "retries", "fetch.min.bytes", "fetch.wait.max.ms", "SEAWALL_SINK_BATCH_SIZE")
    many = 'design = "full"\n[factors]\n' + "".join(f'"{name}" = [10, 20]\n' for name in names)
    assert "64 cells, 100 times each, are 6,400 trials, which take about 36 hours" in mistakes(
        tmp_path, many, blocks=100
    )
    assert "give 2 or more" in mistakes(tmp_path, 'design = "full"\n' + TWO, blocks=1)


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    """A file that is not there."""
    with pytest.raises(BadSettings, match="No such file"):
        read_plan(tmp_path / "nowhere.toml")
