"""Tests of the tables in docs/tuning.md."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.report.tuning_page import effect_lines, knob_lines, regenerated
from seawall.result import Arm, ArmComparison, EffectFinding, Outcome, Result, Trial
from seawall.tuning.catalogue import knob_named

PAGE = "# A page\n<!-- knobs: begin -->\nold\n<!-- knobs: end -->\nbetween\n"
PAGE += "<!-- effects: begin -->\n<!-- effects: end -->\nend\n"
QUIET: dict[str, Any] = {"cpu": "a processor", "cores": 2, "load_average": 0.5}


def run(**fields: Any) -> Result:
    """Return a run of `tune` with *fields* of its result."""
    arms = [Arm(name=name, path="kafka", durability="") for name in ("linger.ms=10", "linger.ms=50")]
    known: dict[str, Any] = {
        "experiment": "tune",
        "started_at": "2026-11-20T10:00:00+00:00",
        "finished_at": "",
        "seed": 1,
        "outcome": Outcome.PASS,
        "environment": QUIET,
        "options": {"knob": "linger.ms", "users": 200, "rate_per_s": 10.0, "duration_s": 8.0},
        "arms": arms,
    }
    return Result(**{**known, **fields})


def comparison(metric: str, ratio: float | None, *, shown: bool) -> ArmComparison:
    """Return the second level against the first."""
    low, high = (None, None) if ratio is None else (ratio * 0.9, ratio * 1.1)
    return ArmComparison(
        base="linger.ms=10", arm="linger.ms=50", metric=metric, kind="load", entity="mixed", ratio=ratio,
        ci_low=low, ci_high=high, significant=shown,
    )  # fmt: skip


def test_a_sweep_tells_what_was_shown_and_what_was_not() -> None:
    """A bold ratio with its interval, the words for nothing shown, and those for too few trials."""
    rows = [
        comparison("response_p95_ms", 2.0, shown=True),
        comparison("visible_p95_ms", 1.0, shown=False),
        comparison("achieved_per_s", None, shown=False),
    ]
    _, _, line, *_ = effect_lines([("20261120-tune", run(comparisons=rows))])
    assert line == (
        "| `20261120-tune` | `linger.ms` | 10 to 50 | **2** (1.8 to 2.2) | no effect shown (0.9 to 1.1) |"
        " too few valid trials | - |"
    )


def test_a_plan_tells_each_knob_and_only_the_interactions_that_were_shown() -> None:
    """What nobody can tell apart is named."""
    rows = [
        EffectFinding(metric="visible_p95_ms", factors=[name], levels=["0 to 50"], ratio=3.0, ci_low=2.0, ci_high=4.0)
        for name in ("linger.ms", "acks")
    ]
    pair = EffectFinding(
        metric="visible_p95_ms", factors=["linger.ms", "acks"], levels=["0 to 50", "1 to -1"], ratio=3.0, ci_low=2.0,
        ci_high=4.0, aliases=[["a", "b"]], significant=True,
    )  # fmt: skip
    hidden = EffectFinding(
        metric="visible_p95_ms", factors=["acks", "retries"], levels=["1 to -1", "1 to 2"], ratio=1.0
    )
    lines = list(effect_lines([("run", run(effects=[*rows, pair, hidden]))]))
    assert [line.split(" | ")[1] for line in lines[2:5]] == [
        "`linger.ms`", "`acks`", "`linger.ms` x `acks` (aliased with a x b)"
    ]  # fmt: skip
    assert not any("retries" in line for line in lines)


def test_a_busy_machine_makes_a_run_provisional() -> None:
    """And only that: a quiet one is named without a doubt."""
    quiet = list(effect_lines([("run", run())]))[-1]
    busy = list(effect_lines([("run", run(environment={**QUIET, "load_average": 4.5}))]))[-1]
    assert "2,000 writes a second" in quiet
    assert "provisional" not in quiet
    assert "**provisional**" in busy
    assert "4.5" in busy


def test_trials_that_do_not_count_are_told() -> None:
    """A line under the table says how many did."""
    trials = [
        Trial(
            name=name, kind="load", arm="linger.ms=10", block=0, entity="mixed", started_at="", users=1, outcome=outcome
        )
        for name, outcome in (("one", Outcome.PASS), ("other", Outcome.INVALID))
    ]
    assert "1 valid of 2 trials" in list(effect_lines([("run", run(trials=trials))]))[-1]


def test_other_experiments_are_left_out() -> None:
    """The head alone remains, and the blank line that ends a table."""
    assert len(list(effect_lines([("run", run(experiment="compare"))]))) == 3


def test_a_knob_says_what_is_unsafe_about_it() -> None:
    """The shipped value, the range, and what some values risk."""
    _, _, acks, linger = knob_lines([knob_named("acks"), knob_named("linger.ms")])
    assert "not always: 0 and 1 lose" in acks
    assert "| `linger.ms` | producer | `5` | `10` | 5 (0 before Kafka 4) | 0 to 900,000 | yes |" in linger


def test_only_what_stands_between_markers_changes() -> None:
    """Doing it twice changes nothing more."""
    made = regenerated(PAGE, [knob_named("acks")], [])
    assert "old" not in made
    assert made.startswith("# A page\n")
    assert "between" in made
    assert made.endswith("end\n")
    assert regenerated(made, [knob_named("acks")], []) == made


def test_a_page_without_markers_is_refused() -> None:
    """Rather than left as it is."""
    with pytest.raises(ValueError, match="knobs: begin"):
        regenerated("# A page", [], [])
