"""What the knobs of a plan did, out of the figures of its trials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seawall.experiments.factor_effects import with_effects
from seawall.experiments.plan_options import PlanOptions
from seawall.result import DiskFigures, Outcome, Quantiles, Result, Trial
from seawall.tuning.plan import read_plan

PLAN = 'design = "full"\n[factors]\n"linger.ms" = [0, 25]\n"segment.bytes" = [1048576, 2097152]\n'


def planned(tmp_path: Path, *, looked: bool) -> Result:
    """Return a run in which the second knob's second level leaves twice as much on disk, and nothing else differs."""
    (tmp_path / "plan.toml").write_text(PLAN)
    options = PlanOptions(
        plan=read_plan(tmp_path / "plan.toml"), paths=("kafka",), parts=("load",), blocks=6, duration_s=8.0
    )
    rng = np.random.default_rng(1)
    trials = [
        Trial(
            name=f"{cell.arm}-{block}", kind="load", arm=cell.arm, block=block, entity="mixed", started_at="",
            users=1, achieved_per_s=100.0 * rng.lognormal(0, 0.01), visible_ms=Quantiles(p95=9.0),
            response_ms=Quantiles(p95=5.0 * rng.lognormal(0, 0.01)), outcome=Outcome.PASS,
            disk=DiskFigures(
                written=1_000,
                size_bytes=int(rng.lognormal(12, 0.01) * (2 if cell.levels["segment.bytes"] == "2097152" else 1)),
            ) if looked else None,
        )
        for block in range(6)
        for cell in options.cells()
    ]  # fmt: skip
    found = Result(experiment="tune", started_at="", finished_at="", seed=1, outcome=Outcome.PASS, trials=trials)
    return with_effects(found, options)


def test_what_is_left_on_disk_is_a_figure_where_somebody_looked(tmp_path: Path) -> None:
    """The knob that leaves twice as much is named, and no other."""
    found = planned(tmp_path, looked=True)
    (effect,) = [one for one in found.effects if one.significant]
    assert (effect.metric, effect.factors) == ("left_bytes_per_record", ["segment.bytes"])
    assert effect.ratio == pytest.approx(2, rel=0.05)


def test_where_nobody_looked_it_is_none(tmp_path: Path) -> None:
    """Neither is the stop of a partition."""
    found = planned(tmp_path, looked=False)
    assert {one.metric for one in found.effects} == {
        "response_p95_ms", "visible_p95_ms", "achieved_per_s", "cpu_s_per_1000_rows",
    }  # fmt: skip
