"""When a trial's figures say nothing, from trials made up for the purpose."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.experiments.validity import Limits, shortcomings, tolerated_ms
from seawall.result import Course, InstrumentHealth, Quantiles, Trial
from seawall.stack.places import ROOT
from seawall.targets.parse import parse_targets

LIMITS = Limits(response_ms=200.0, visible_ms=1_000.0)


def trial(p95: float = 20.0, lag: float = 1.0, **rest: Any) -> Trial:
    """Return a load trial with this p95 of the response time and this p99 of the generator's own lag."""
    figures = {
        "name": "t", "kind": "load", "arm": "sync", "block": 0, "entity": "users", "started_at": "", "users": 10,
        "requests": 5_000, "response_ms": Quantiles(p95=p95, samples=5_000), "visible_ms": Quantiles(p95=p95),
        "generator_lag_ms": Quantiles(p99=lag), **rest,
    }  # fmt: skip
    return Trial(**figures)


def found(one: Trial) -> str:
    """Return all shortcomings as one text."""
    return "; ".join(shortcomings(one, LIMITS, interrupted=False))


def test_the_shipped_targets_give_the_limits() -> None:
    """The strictest limit on writes of each kind of time."""
    assert Limits.of(parse_targets((ROOT / "targets.toml").read_text(encoding="utf-8"), "targets.toml")) == LIMITS


@pytest.mark.parametrize(
    ("p95", "lag", "says"),
    [
        pytest.param(20.0, 9.9, "", id="below 5 % of the limit"),
        pytest.param(20.0, 10.1, "the generator itself was late", id="above it"),
        pytest.param(4_000.0, 50.0, "", id="an overloaded service is not excused by a small lag"),
        pytest.param(400.0, 50.0, "the generator itself was late", id="a starved generator is"),
    ],
)
def test_a_lag_that_could_move_the_figure_makes_it_say_nothing(p95: float, lag: float, says: str) -> None:
    """Five per cent of the limit, or of the figure itself, are let pass."""
    assert found(trial(p95, lag)).startswith(says)
    assert bool(found(trial(p95, lag))) == bool(says)


def test_without_any_limit_five_milliseconds_are_tolerated() -> None:
    """The least that a shared machine can keep to."""
    assert tolerated_ms(trial(p95=20.0), Limits()) == 5.0


def test_a_late_loop_and_a_busy_generator_are_told() -> None:
    """Both queue requests inside of the generator."""
    says = found(trial(instrument=InstrumentHealth(loop_lag_p99_ms=12.0, cpu_share=0.95)))
    assert "event loop was late: p99 12.0 ms" in says
    assert "busy for 95 %" in says or "busy for 95%" in says


@pytest.mark.parametrize(
    ("p95", "course", "invalid"),
    [
        pytest.param(20.0, Course(steady=True), False, id="steady"),
        pytest.param(20.0, Course(), False, id="too short to tell"),
        pytest.param(150.0, Course(steady=False, drift=0.9, drift_ms=90, reasons=["drifts"]), True, id="still rising"),
        pytest.param(900.0, Course(steady=False, drift=0.9, drift_ms=500, reasons=["drifts"]), False, id="overloaded"),
        pytest.param(900.0, Course(steady=False, drift=-0.9, drift_ms=-500, reasons=["x"]), True, id="not warm yet"),
        pytest.param(5.0, Course(steady=False, drift=-0.3, drift_ms=-1.5, reasons=["x"]), False, id="far from a limit"),
    ],
)
def test_an_unsteady_state_says_nothing_unless_the_limit_is_missed_and_it_gets_worse(
    p95: float, course: Course, *, invalid: bool
) -> None:
    """An overloaded service rises beyond the limit: that is a FAIL and no excuse."""
    assert ("not steady" in found(trial(p95, response_course=course))) is invalid


def test_data_trials_are_not_held_to_a_schedule() -> None:
    """A closed loop has no intended times to be late for."""
    assert found(trial(lag=500.0, kind="data")) == ""
