"""What a run of bursts may be asked for."""

from __future__ import annotations

import pytest

from seawall.experiments.errors import BadOptions
from seawall.experiments.stream_ingest_options import IngestOptions


def test_the_defaults_are_a_burst_of_ten_times_the_rate() -> None:
    """Behind a time at the rate that is not judged; the same rate comes before and after."""
    options = IngestOptions()
    options.validate()
    assert [(one.name, one.duration_s, one.from_per_s, one.to_per_s) for one in options.profile().stages] == [
        ("settling", 3.0, 300.0, 300.0), ("before", 5.0, 300.0, 300.0), ("burst", 5.0, 3_000.0, 3_000.0),
        ("after", 15.0, 300.0, 300.0),
    ]  # fmt: skip
    assert options.judged_s + options.warmup_s == options.profile().length_ns / 1e9
    assert [one.name for one in IngestOptions(warmup_s=0.0).profile().stages] == ["before", "burst", "after"]


def test_kafka_is_started_where_its_path_is_among_them() -> None:
    """And not for the others alone."""
    assert IngestOptions(sinks=2).stack().kafka
    assert IngestOptions(sinks=2).stack().sinks == 2
    assert not IngestOptions(paths=("sync",)).stack().kafka


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"paths": ("sync", "fast")}, "--paths: unknown 'fast'"),
        ({"paths": ("sync", "sync")}, "each once"),
        ({"paths": ()}, "--paths: name some"),
        ({"entity": "cars"}, "--entity: unknown 'cars'"),
        ({"rate_per_s": 0.0}, "--rate: must be above 0"),
        ({"rate_per_s": float("nan")}, "--rate: must be above 0"),
        ({"factor": 1.0}, "--factor: 1 is not above 1"),
        ({"factor": float("inf")}, "--factor"),
        ({"burst_s": 0.5}, "--burst: must take at least 1 s"),
        ({"before_s": 0.0}, "--before: must take at least 1 s"),
        ({"after_s": float("nan")}, "--after: must take at least 1 s"),
        ({"warmup_s": -1.0}, "--warmup: must not be below 0"),
        ({"drain_timeout_s": 0.0}, "--drain-timeout: must be above 0"),
        ({"users": 0}, "--users: at least one"),
        ({"brokers": 2}, "--brokers"),
        ({"rate_per_s": 100_000.0, "burst_s": 60.0}, "requests a path are more than 10,000,000"),
    ],
)
def test_what_makes_no_sense_is_said_by_its_option(given: dict[str, object], words: str) -> None:
    """Before anything is started."""
    with pytest.raises(BadOptions, match="--") as caught:
        IngestOptions(**given).validate()  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_all_mistakes_are_said_at_once() -> None:
    """So that nobody corrects one after the other."""
    with pytest.raises(BadOptions) as caught:
        IngestOptions(rate_per_s=-1.0, factor=0.5, users=0).validate()
    assert all(option in str(caught.value) for option in ("--rate", "--factor", "--users"))
