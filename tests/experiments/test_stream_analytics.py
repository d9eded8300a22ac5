"""Live figures on the real servers, short: by a consumer of the log, and by queries."""

from __future__ import annotations

from pathlib import Path

from seawall.experiments.stream_analytics import AnalyticsRun
from seawall.experiments.stream_analytics_options import AnalyticsOptions
from seawall.load.trial import Progress
from seawall.result import Outcome, Result
from seawall.result.live_analytics import ALONE, LOG, QUERIES, AnalyticsFinding
from seawall.stack.stack import Stack


class Notes:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def trial_starts(self, number: int, total: int, arm: str) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {arm}")

    def trial_goes_on(self, progress: Progress) -> None:
        """Hear it."""

    def finding(self, number: int, total: int, finding: AnalyticsFinding) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {finding.arm} ended")


def test_both_ways_publish_the_figures_of_the_table(stack: Stack, tmp_path: Path) -> None:
    """Late records count, repeats count once, what is too late is told; every record is in a published result."""
    options = AnalyticsOptions(
        rate_per_s=200.0, duration_s=2.0, window_s=0.5, lateness_s=0.5, late_share=0.05, too_late_share=0.02,
        repeat_share=0.05, refresh_ms=100.0,
    )  # fmt: skip
    (tmp_path / "raw").mkdir()
    notes = Notes()
    written: list[Result] = []
    result = AnalyticsRun(options, stack, tmp_path).run(notes, written.append)
    assert notes.heard[:3] == ["0/3 warm-up", f"1/3 {ALONE}", f"1/3 {ALONE} ended"]
    assert len(written) == 4  # after each trial, and at the end
    found = {finding.arm: finding for finding in result.live_analytics}
    assert list(found) == [ALONE, LOG, QUERIES]
    for finding in found.values():
        assert (finding.lost, finding.doubled, finding.pending) == (0, 0, 0)
        assert (finding.acknowledged, finding.planted_repeated) == (381, 19)
        assert finding.outcome is not Outcome.FAIL or "behind" in finding.reasons[0]  # the machine may be slow
    log, queries = found[LOG], found[QUERIES]
    assert (log.differing, queries.differing) == (0, 0)
    assert log.windows >= 4
    assert log.counted + log.too_late == log.acknowledged
    assert log.repeated == log.planted_repeated
    assert log.late <= log.planted_late + log.planted_too_late
    assert log.too_late <= log.planted_too_late == 8
    assert log.behind_ms.samples == log.counted
    assert log.behind_ms.max is not None
    assert log.queries == 0
    assert queries.queries is not None
    assert 0 < queries.queries <= queries.results  # the last one is asked when the figures have been taken
    assert queries.query_ms
    assert {row.metric for row in result.targets} == {"behind_max_ms", "differing_windows"}
