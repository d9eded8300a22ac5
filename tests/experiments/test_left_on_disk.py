"""What brokers delete and compact is gone from the disk; a sink that is too late for it loses records."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import Any, Self

import pytest

from seawall.experiments.compare import Comparison
from seawall.experiments.level_effects import compare_levels
from seawall.experiments.trial import TrialPlan
from seawall.experiments.tune_options import TuneOptions
from seawall.load.trial import Progress
from seawall.result import Outcome, Result, Trial
from seawall.stack.options import StackOptions
from seawall.stack.stack import Stack
from seawall.targets.target import Targets
from seawall.tuning.catalogue import knob_named


class Unseen:
    """Nobody watches."""

    def trial_starts(self, plan: TrialPlan, number: int, total: int) -> None:
        """Do nothing."""

    def trial_goes_on(self, plan: TrialPlan, progress: Progress) -> None:
        """Do nothing."""

    def trial_ended(self, trial: Trial) -> None:
        """Do nothing."""


class SinkStandsStill(contextlib.ExitStack):
    """From a load's beginning to its end the only sink is stopped, in trials of one level."""

    def __init__(self, stack: Stack, plan: TrialPlan, level: str) -> None:
        super().__init__()
        self._stack, self._chosen = stack, plan.arm.endswith(level)

    def __enter__(self) -> Self:
        """Stop it; whatever happens, it goes on."""
        super().__enter__()
        if self._chosen:
            self.callback(self._stack.signal, "sink-1", signal.SIGCONT)
            self._stack.signal("sink-1", signal.SIGSTOP)
        return self

    def load_goes_on(self, progress: Progress) -> None:
        """Do nothing."""

    def told(self, trial: Trial) -> Trial:
        """Add nothing."""
        return trial


def swept(tmp_path: Path, name: str, levels: tuple[Any, ...], *, late_at: str = "nowhere", **changes: Any) -> Result:
    """Return a sweep of a knob, one block, on a stack of its own; the sink is late at one level."""
    options = TuneOptions(
        knob=knob_named(name), levels=levels, paths=("kafka",), parts=("load",), load_entity="users", users=20,
        rate_per_s=10.0, warmup_s=1.0, blocks=1, drain_timeout_s=40.0, **changes,
    )  # fmt: skip
    options.validate()
    stack = Stack.up(StackOptions(settings=options.started_with), owner="tests")
    try:
        sweep = Comparison(
            options,
            Targets(source_name="none", targets=()),
            lambda _: contextlib.nullcontext(stack),
            tmp_path,
            compare_levels,
            lambda stack, plan: SinkStandsStill(stack, plan, late_at),
        )
        return sweep.run(Unseen(), lambda _: None)
    finally:
        stack.down()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_retention_by_size_leaves_less_and_loses_nothing(tmp_path: Path) -> None:
    """Bytes, records and files of the log; the figure counts as an effect of the level."""
    result = swept(tmp_path, "retention.bytes", (10_000,), duration_s=8.0)
    assert not any(trial.audit.violations for trial in result.trials)
    assert all(trial.audit.stored == trial.audit.attempted > 1_000 for trial in result.trials)
    kept = [trial.disk for trial in result.trials if trial.arm == "retention.bytes=-1"]
    less = [trial.disk for trial in result.trials if trial.arm == "retention.bytes=10000"]
    assert len(kept) == len(less) == 2
    for disk in kept:
        assert disk is not None
        assert (disk.records, disk.share, disk.rewritten) == (disk.written, 1.0, 0)
        assert disk.size_bytes > 100 * disk.records
    for disk in less:
        assert disk is not None
        assert disk.at_rest
        assert 0 < disk.records < disk.written / 2
        assert (disk.bytes_per_record or 0) < (kept[0].bytes_per_record or 0) / 2 if kept[0] else False
    assert "left_bytes_per_record" in {row.metric for row in result.comparisons}
    assert all(trial.achieved_per_s and trial.visible_ms.p95 for trial in result.trials)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_compaction_leaves_the_last_of_each_key(tmp_path: Path) -> None:
    """Each record is written twice more: a third of all is left, and the one that the newest file holds; rows stay."""
    result = swept(tmp_path, "cleanup.policy", ("compact",), duration_s=5.0)
    assert not any(trial.audit.violations for trial in result.trials)
    for trial in result.trials:
        disk = trial.disk
        assert disk is not None
        records = disk.written - disk.rewritten
        assert records >= trial.audit.acknowledged > 0
        assert 2 * records < disk.rewritten <= 2 * records + len(disk.partitions)
        if trial.arm == "cleanup.policy=compact":
            assert records <= disk.records < 0.6 * disk.written
        else:
            assert disk.records == disk.written


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_retention_that_is_shorter_than_a_sink_is_late_loses_and_the_audit_says_so(tmp_path: Path) -> None:
    """Nobody can read those records any more: they are lost, not pending, and the reason is named."""
    result = swept(tmp_path, "retention.ms", (1_000,), late_at="=1000", duration_s=8.0)
    assert result.outcome is Outcome.FAIL
    for trial in result.trials:
        if trial.arm == "retention.ms=1000":
            assert trial.audit.lost == trial.audit.deleted_unread > 100
            assert trial.audit.not_stored > 0.9 * trial.audit.lost, "most were seen before they were deleted"
            assert trial.audit.pending == trial.audit.offsets_ahead == trial.audit.gaps == 0
            assert any("deleted from the log before a sink had read them" in reason for reason in trial.reasons)
            assert trial.audit.stored + trial.audit.lost == trial.audit.attempted
        else:
            assert not trial.audit.violations
            assert trial.audit.deleted_unread == 0
