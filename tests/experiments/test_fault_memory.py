"""Memory over trials in which processes die: whose life is judged, and from when on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seawall.experiments.fault_memory import longest_life, slopes_of_lives, warmed_up
from seawall.experiments.slopes import Series
from seawall.result import Outcome, SoakSegment, Trial

TRIAL_S = 60.0


def row(count: int, **restarts: set[int]) -> list[tuple[SoakSegment, Trial]]:
    """Return so many trials, and in which of them which service died."""
    return [
        (
            SoakSegment(trial=f"t{number}", sitting=1, at_s=number * TRIAL_S),
            Trial(
                name=f"t{number}", kind="load", arm="kafka", block=number, entity="mixed", started_at="", users=1,
                warmup_s=2.0, duration_s=TRIAL_S - 2.0, rss_bytes={"api": 1, "load": 1, "postgres": 1},
                restarts={name: 1 for name, when in restarts.items() if number in when},
            ),
        )
        for number in range(count)
    ]  # fmt: skip


def memory(rises: dict[str, float]) -> object:
    """Return what reads, of 100 MB, by how much each service's memory rises in an hour, in per cent."""

    def read(segments: Sequence[SoakSegment]) -> dict[str, Series]:
        at_s = np.concatenate([segment.at_s + np.arange(2.0, TRIAL_S) for segment in segments])
        return {name: (at_s, 1e8 * (1 + rise / 100 * at_s / 3600)) for name, rise in rises.items()}

    return read


def names(life: list[tuple[SoakSegment, Trial]]) -> list[str]:
    """Return the trials of a life."""
    return [segment.trial for segment, _ in life]


def test_a_life_lasts_from_one_death_to_the_next() -> None:
    """The trial in which it died belongs to neither."""
    trials = row(9, api={2, 7})
    assert names(longest_life("api", trials)) == ["t3", "t4", "t5", "t6"]
    assert names(longest_life("load", trials)) == [f"t{number}" for number in range(9)]


def test_a_life_begins_with_a_warm_up() -> None:
    """Three minutes under load."""
    assert names(warmed_up(row(5))) == ["t3", "t4"]


def test_only_processes_that_lived_long_enough_are_judged() -> None:
    """And only those that have no reason to grow."""
    trials = row(30, api={5, 25})
    slopes = slopes_of_lives(trials, memory({"api": 0.0, "load": 60.0, "postgres": 60.0}), 1_800.0)  # type: ignore[arg-type]
    assert {slope.service: slope.outcome for slope in slopes} == {"api": Outcome.PASS, "load": Outcome.FAIL}
    assert slopes_of_lives(row(30, api={10, 20}, load={9, 19}), memory({"api": 0.0, "load": 0.0}), 1_800.0) == []  # type: ignore[arg-type]
