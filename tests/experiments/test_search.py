"""The search for the best setting: which candidates there are, and how the best are combined."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seawall.experiments.errors import BadOptions
from seawall.experiments.resumption import resumable
from seawall.experiments.search import Search, combined
from seawall.experiments.search_options import Candidate, RoundOptions, SearchOptions
from seawall.experiments.segments import planned_segments
from seawall.result import Arm, Outcome, Quantiles, Result, SearchFinding, Trial
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


def test_a_knob_that_needs_another_setting_is_searched_where_that_is_held() -> None:
    """And every candidate has that, too."""
    held = options(knobs=("compression.level",), settings=KafkaSettings(producer={"compression.type": "zstd"}))
    held.validate()
    assert all(one.settings(held.settings).producer["compression.type"] == "zstd" for one in held.candidates())


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
        ({"knobs": ("compression.level",)}, "does nothing without compression.type=zstd: hold that by --settings"),
        ({"knobs": ("commit_interval_ms",)}, "does nothing without SEAWALL_SINK_OFFSET_COMMITS=automatic"),
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


class Simulated:
    """Trials of a service on which some levels do something, at a scatter of a tenth; ends after so many."""

    def __init__(self, effects: dict[str, float], seed: int, most: int = 1_000) -> None:
        self._effects, self._rng, self._most = effects, np.random.default_rng(seed), most
        self._warm = False

    def __call__(
        self, options: RoundOptions, earlier: Result | None, write: Callable[[Result], None], *, warms_up: bool
    ) -> Result:
        """Return what was measured before with the trials of the round that are not there yet."""
        trials = list(earlier.trials) if earlier else []
        done = {trial.name for trial in trials}
        plans = [plan for segment in planned_segments(options, Path("raw")) for plan in segment.trials]
        left = [plan for plan in plans if plan.load.name not in done]
        if left:
            assert warms_up != self._warm, "servers are warmed up once, before the first trial that is run"
            self._warm = True
        room = max(0, self._most - len(trials))
        for plan in left[:room]:
            ratio = np.prod([self._effects.get(level, 1.0) for level in plan.arm.split(",")])
            delay = Quantiles(p95=float(20 * ratio * self._rng.lognormal(0, 0.1)))
            trials.append(
                Trial(
                    name=plan.load.name, kind="load", arm=plan.arm, block=plan.block, entity="mixed", started_at="",
                    users=1, achieved_per_s=100.0, response_ms=delay, visible_ms=delay,
                )
            )  # fmt: skip
        arms = {trial.arm: Arm(name=trial.arm, path="kafka", durability="1 broker, page cache") for trial in trials}
        found = Result(
            experiment="tune", started_at="", finished_at="", seed=1, outcome=Outcome.PASS, options=options.as_json(),
            arms=list(arms.values()), trials=trials, interrupted=len(left) > room,
        )  # fmt: skip
        write(found)
        return found


def searched(measure: Simulated, earlier: Result | None = None) -> tuple[Result, SearchFinding]:
    """Return the result of a search and what it found."""
    found = Search(options(), measure, earlier).run(lambda _: None)
    assert found.search is not None
    return found, found.search


def test_two_levels_that_help_are_found_and_combined() -> None:
    """The fresh trials alone say by how much."""
    result, found = searched(Simulated({"linger.ms=0": 0.7, "fetch.wait.max.ms=5": 0.6}, seed=1))
    assert found.better
    assert found.settings == {"producer": {"linger.ms": 0}, "consumer": {"fetch.wait.max.ms": 5}}
    assert found.trials == 6
    assert found.ci_low is not None
    assert found.ci_high is not None
    assert found.ci_low < 0.42 < found.ci_high
    assert {row.metric for row in result.comparisons if row.significant} == {"response_p95_ms", "visible_p95_ms"}


def test_where_nothing_helps_nothing_is_claimed() -> None:
    """The luckiest of thirty candidates is called better in few of forty searches."""
    found = [searched(Simulated({}, seed))[1] for seed in range(40)]
    assert sum(one.better for one in found) <= 4
    assert {one.says for one in found} <= {"better", "nothing better shown"}


def test_a_search_that_was_interrupted_goes_on() -> None:
    """No trial is run twice, and it comes to an end."""
    part, unfinished = searched(Simulated({"linger.ms=0": 0.5}, seed=3, most=45))
    assert (part.interrupted, unfinished.says, len(part.trials)) == (True, "not finished", 45)
    whole, found = searched(Simulated({"linger.ms=0": 0.5}, seed=4), resumable(part, options(), Path("out")))
    assert found.better
    assert found.settings["producer"]["linger.ms"] == 0
    assert whole.trials[:45] == part.trials
    assert len({trial.name for trial in whole.trials}) == len(whole.trials)
