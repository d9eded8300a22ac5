"""`bin/seawall tune --disturb` on real servers: who stood still while sinks came, left and died."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_tune_command import tune

from seawall.result import Outcome, Result, read_result


def disturbed(tmp_path: Path, *arguments: str) -> tuple[Result, str]:
    """Return the result of a sweep of one block, and what was printed."""
    done = tune(
        tmp_path / "home",
        *("--knob", "assignor", "--rate", "120", "--users", "20", "--warmup", "1s"),
        *("--repeats", "2", "--output", str(tmp_path / "out"), *arguments),
        timeout_s=880,
    )
    assert done.returncode in (0, 4), done.stderr
    return read_result(tmp_path / "out" / "result.json"), done.stdout


@pytest.mark.long
@pytest.mark.timeout(900)
def test_assignors_tell_how_long_partitions_stood_still(tmp_path: Path) -> None:
    """A sink that dies leaves its partitions unread for a session; whoever leaves in order, and whoever joins, less."""
    result, shown = disturbed(
        tmp_path, "--levels", "range,consumer", "--disturb", "join,leave,kill", "--duration", "34s"
    )
    names = ["cooperative-sticky", "range", "consumer"]
    assert [arm.name for arm in result.arms] == [f"SEAWALL_SINK_ASSIGNOR={name}" for name in names]
    assert len(result.trials) == 6
    assert not any(trial.audit.violations for trial in result.trials)
    told = [trial for trial in result.trials if trial.rebalances]
    assert {trial.arm for trial in told} == {arm.name for arm in result.arms}
    for trial in told:
        if trial.outcome is not Outcome.PASS:
            continue
        assert [one.what for one in trial.rebalances] == ["before", "join", "leave", "kill"]
        assert [one.sink for one in trial.rebalances] == ["", "sink-3", "sink-3", "sink-2"]
        kill = trial.rebalances[-1]
        assert kill.stopped >= 1
        assert (kill.longest_stop_ms or 0) > 3_000
        assert (kill.visible_max_ms or 0) > 3_000
    assert "What changes of the sinks' group came to" in shown
    assert "longest_stop_ms" in {row.metric for row in result.comparisons}
