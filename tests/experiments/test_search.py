"""The search for the best setting: which candidates there are, and how the best are combined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seawall.experiments.errors import BadOptions
from seawall.experiments.search import combined
from seawall.experiments.search_options import Candidate, SearchOptions
from seawall.experiments.segments import planned_segments
from seawall.tuning.kafka_settings import KafkaSettings, read_settings
from seawall.tuning.knob import Place
from seawall.tuning.settings_text import as_environment, as_toml

LINGER = Candidate(turned=((Place.PRODUCER, "linger.ms", 0),))
LONGER = Candidate(turned=((Place.PRODUCER, "linger.ms", 50),))
FETCH = Candidate(turned=((Place.CONSUMER, "fetch.wait.max.ms", 5),))
ROWS = Candidate(turned=((Place.SINK, "SEAWALL_SINK_BATCH_SIZE", 500),))


def options(**given: Any) -> SearchOptions:
    """Return the options of a search."""
    return SearchOptions(**{"goal": "visible-p95", "paths": ("kafka",), "parts": ("load",), **given})


def test_each_candidate_turns_one_knob_and_none_that_is_held() -> None:
    """All levels but the shipped one; what Kafka refuses beside what is held is left out."""
    names = [one.name for one in options(knobs=("linger.ms", "fetch.wait.max.ms")).candidates()]
    assert "linger.ms=0" in names
    assert "linger.ms=10" not in names
    held = options(
        knobs=("linger.ms", "fetch.wait.max.ms"),
        settings=KafkaSettings(consumer={"fetch.wait.max.ms": 100}, producer={"message.timeout.ms": 25}),
    )
    assert [one.name for one in held.candidates()] == ["linger.ms=0", "linger.ms=1", "linger.ms=5"]
    assert all(one.settings(held.settings).consumer == {"fetch.wait.max.ms": 100} for one in held.candidates())


def test_the_best_are_combined_where_they_turn_different_knobs() -> None:
    """The first with each, then with all."""
    names = [one.name for one in combined([LINGER, FETCH, ROWS], options())]
    assert names == [
        "linger.ms=0",
        "fetch.wait.max.ms=5",
        "SEAWALL_SINK_BATCH_SIZE=500",
        "linger.ms=0,fetch.wait.max.ms=5",
        "linger.ms=0,SEAWALL_SINK_BATCH_SIZE=500",
        "linger.ms=0,fetch.wait.max.ms=5,SEAWALL_SINK_BATCH_SIZE=500",
    ]
    assert [one.name for one in combined([LINGER, LONGER], options())] == ["linger.ms=0", "linger.ms=50"]
    assert combined([], options()) == []


def test_rounds_and_the_end_leave_files_of_their_own(tmp_path: Path) -> None:
    """A round runs everyone once; what decides runs there and back, and shares no trial with the rounds."""
    search = options(fresh=4)
    names = [
        trial.load.name
        for asked in (
            search.round(1, (Candidate(), LINGER)),
            search.round(2, (Candidate(), LINGER)),
            search.round(3, (Candidate(), LINGER), decides=True),
        )
        for segment in planned_segments(asked, tmp_path)
        for trial in segment.trials
    ]
    assert len(set(names)) == len(names) == 2 + 2 + 8
    assert sum("-fresh-" in name for name in names) == 8


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"goal": "fastest"}, "known are visible-p95"),
        ({"knobs": ("acks",)}, "it risks something"),
        ({"knobs": ("lingr.ms",)}, "do you mean linger.ms"),
        ({"knobs": ("flush.ms",)}, "is not searched"),
        ({"fresh": 3}, "no even number of 4 or more"),
        ({"settings": KafkaSettings(producer={"acks": 1})}, "idempotence needs acks=-1"),
        ({"knobs": ("linger.ms",), "settings": KafkaSettings(producer={"linger.ms": 0})}, "is held by --settings"),
    ],
)
def test_what_cannot_be_searched_is_refused(given: dict[str, Any], words: str) -> None:
    """A goal or knob that nobody knows, one that risks something, or nothing to be turned."""
    with pytest.raises(BadOptions) as caught:
        options(**given).validate()
    assert words in str(caught.value)


def test_settings_are_written_as_they_are_read(tmp_path: Path) -> None:
    """As a settings file, and as variables of API and sinks."""
    settings = KafkaSettings(
        about='made of "all" kinds',
        producer={"linger.ms": 0, "compression.type": "lz4", "enable.idempotence": True},
        sink={"SEAWALL_SINK_BATCH_SIZE": 500},
        topic={"flush.messages": 9223372036854775807},
    )
    (tmp_path / "best.toml").write_text(as_toml(settings), encoding="utf-8")
    assert read_settings(tmp_path / "best.toml") == settings
    assert as_environment(settings).splitlines() == [
        '# made of "all" kinds',
        'SEAWALL_KAFKA_PRODUCER_PROPERTIES={"compression.type":"lz4","enable.idempotence":true,"linger.ms":0}',
        "SEAWALL_SINK_BATCH_SIZE=500",
        "# topic: flush.messages=9223372036854775807",
    ]
