"""A burst on the real servers, short."""

from __future__ import annotations

from pathlib import Path

from seawall.cli.shared_options import TARGETS_FILE
from seawall.cli.targets_file import read_targets
from seawall.experiments.stream_ingest import IngestRun
from seawall.experiments.stream_ingest_options import IngestOptions
from seawall.load.trial import Progress
from seawall.result import BurstFinding, Outcome, Result
from seawall.stack.stack import Stack


class Notes:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def burst_starts(self, number: int, total: int, arm: str, *, warm_up: bool) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {arm} {'warm-up' if warm_up else 'burst'}")

    def burst_goes_on(self, progress: Progress) -> None:
        """Hear it."""

    def burst_ended(self, number: int, total: int, finding: BurstFinding) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {finding.arm} ended")


def test_a_burst_through_the_log_is_followed_to_its_rows(stack: Stack, tmp_path: Path) -> None:
    """Every request is due when the profile says, each record becomes a row, and all of it is visible in the end."""
    options = IngestOptions(
        paths=("kafka",), rate_per_s=100.0, factor=5.0, warmup_s=0.5, before_s=1.0, burst_s=1.0, after_s=1.5, users=50
    )
    (tmp_path / "raw").mkdir()
    notes = Notes()
    written: list[Result] = []
    result = IngestRun(options, read_targets(TARGETS_FILE), stack, tmp_path).run(notes, written.append)
    assert notes.heard == ["1/1 kafka warm-up", "1/1 kafka burst", "1/1 kafka ended"]
    assert len(written) == 2  # after the trial, and at the end
    (finding,), (trial,) = result.bursts, result.trials
    assert [(one.name, one.offered) for one in finding.stages] == [("before", 100), ("burst", 500), ("after", 150)]
    for stage in finding.stages:
        assert stage.offered == stage.in_time + stage.late + stage.refused + stage.failed + stage.unsent
    assert (finding.begin_s, finding.end_s) == (1.5, 2.5)
    assert trial.audit.attempted == 800  # with the 50 of the warm-up
    assert (finding.lost, finding.doubled, finding.pending) == (0, 0, 0)
    assert finding.all_visible_s is not None
    assert finding.lag_highest > 0
    assert len(finding.moments) == 16
    assert finding.outcome is not Outcome.FAIL  # on a busy machine it may tell nothing
    assert result.verdicts == {"kafka": finding.outcome}
