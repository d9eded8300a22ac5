"""What a soak may be asked to do, and what its next sitting may."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from seawall.experiments.errors import BadOptions
from seawall.experiments.soak_options import SoakOptions, options_of
from seawall.result import Outcome, Result, Trial
from seawall.stack.limits import Limits


def test_all_mistakes_are_named_at_once() -> None:
    """Wrong names, impossible times, loads and users."""
    with pytest.raises(BadOptions) as found:
        SoakOptions(path="sink", entity="x", rate_per_s=0, users=0, duration_s=5, drain_timeout_s=0).validate()
    for option in ("--path", "--entity", "--rate", "--users", "--duration", "--drain-timeout"):
        assert option in str(found.value)
    with pytest.raises(BadOptions, match="leave none of 3 segments"):
        SoakOptions(duration_s=6, segment_s=2, warmup_s=5).validate()
    with pytest.raises(BadOptions, match=r"--users: .*open files"):
        SoakOptions(users=5_000).validate(Limits(1_024, None))
    SoakOptions().validate()


@pytest.mark.parametrize(("duration_s", "warm_up_s"), [(60, 30), (120, 60), (600, 120), (3_600, 600), (86_400, 600)])
def test_a_fifth_warms_up_but_one_minute_at_least_and_ten_at_most(duration_s: float, warm_up_s: float) -> None:
    """Of a short soak, half of it."""
    assert SoakOptions(duration_s=duration_s).warm_up_s == warm_up_s


def earlier(segments: int = 2, experiment: str = "soak", **changes: Any) -> Result:
    """Return what a first sitting of three segments left."""
    options = SoakOptions(duration_s=6.0, segment_s=2.0, warmup_s=2.0, **changes)
    trial = Trial(name="t", kind="load", arm="kafka", block=1, entity="mixed", started_at="", users=1)
    return Result(
        experiment=experiment, started_at="", finished_at="", seed=1, outcome=Outcome.INVALID,
        options=asdict(options), trials=[trial] * segments,
    )  # fmt: skip


def test_a_sitting_goes_on_with_the_options_of_the_first() -> None:
    """Named again they have to be the same, and each that is not is told."""
    assert options_of(earlier(rate_per_s=70.0), {"rate_per_s": 70.0}).rate_per_s == 70.0
    with pytest.raises(BadOptions) as found:
        options_of(earlier(), {"rate_per_s": 70.0, "path": "sync", "duration_s": 6.0})
    assert "--rate: the soak began with 2000 and not 70" in str(found.value)
    assert "--path" in str(found.value)
    assert "--duration" not in str(found.value)


def test_what_is_no_soak_or_has_ended_does_not_go_on() -> None:
    """The message says which of the two."""
    with pytest.raises(BadOptions, match="holds a compare"):
        options_of(earlier(experiment="compare"), {})
    with pytest.raises(BadOptions, match="all its 3 segments"):
        options_of(earlier(segments=3), {})
