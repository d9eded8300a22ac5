"""What the benchmark of starts makes of what it measured."""

from __future__ import annotations

import pytest

from benchmarks.startup import PHASES, beside, judged, phases
from benchmarks.startup_round import StackStart

EVENTS = {name: 1.0 for _, *names in PHASES for name in names if name}


@pytest.mark.parametrize(
    ("seconds", "reached"),
    [
        pytest.param([4.0] * 12, True, id="every start is fast enough"),
        pytest.param([4.0] * 10 + [9.0] * 2, True, id="some were disturbed, and the interval still ends below"),
        pytest.param([4.9] * 6 + [5.1] * 6, False, id="the median is, but its interval is not"),
        pytest.param([4.0, 4.0], True, id="too few for an interval: the median"),
        pytest.param([6.0], False, id="one that is too slow"),
    ],
)
def test_the_whole_interval_is_judged(seconds: list[float], reached: bool) -> None:  # noqa: FBT001 - a table's column
    """What may as well be above the limit has not reached it."""
    assert judged(seconds).reached is reached


def test_a_phase_lasts_from_its_event_to_the_next() -> None:
    """The first begins when the command is typed, and the last ends when it does."""
    start = StackStart(up_s=4.0, down_s=1.0, events={**EVENTS, "starting kafka-1": 0.5, "up": 3.75}, cpu_s={})
    found = {figure.name.removeprefix("· "): figure.measured for figure in phases([start])}
    assert list(found) == [name for name, _, _ in PHASES]
    assert found["until the supervisor has a plan"] == 0.5
    assert found["Kafka: jars and classes looked at, format, start"] == 0.5
    assert found["from the last answer to the prompt"] == 0.25


def test_a_server_alone_has_the_stacks_ratio_beside_it() -> None:
    """Pairs of one round make the ratio."""
    assert "2.00 (2.00 to 2.00) times as long" in beside("the broker alone", [4.0] * 6, [2.0] * 6).error
