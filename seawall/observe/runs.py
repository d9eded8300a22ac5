"""The figures of the last run of each experiment, as Prometheus metrics: what a history is drawn of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from contract.families import gauges

if TYPE_CHECKING:
    from seawall.experiments.history_figures import FollowedRun

MOST_ARMS = 20
MOST_RUNS = 30
"""So many are read at a time, the newest ones: what is older is for `bin/seawall history`."""
_NAME = "result.json"
_OUTCOMES = ("PASS", "FAIL", "INCONCLUSIVE", "INVALID")


class LastRuns(Collector):
    """Reads results below a directory as they come; only of the last of each experiment anything is kept."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: set[Path] = set()
        self._last: dict[str, FollowedRun] = {}

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of the last run of each experiment."""
        self._look()
        yield gauges(
            "seawall_run_started_timestamp_seconds", "When the last run of an experiment began", ["experiment"],
            {(name,): run.at.timestamp() for name, run in self._last.items()},
        )  # fmt: skip
        arms = [(name, arm) for name, run in self._last.items() for arm in run.arms[:MOST_ARMS]]
        labels = ["experiment", "arm"]
        yield gauges(
            "seawall_run_figure",
            "Figures of the last run of an experiment, as `bin/seawall history` follows them",
            [*labels, "figure"],
            {
                (name, arm.arm, figure.name): value
                for name, arm in arms
                for figure, value in arm.figures.items()
                if figure.main
            },
        )
        yield gauges(
            "seawall_run_verdict",
            "1 for the verdict of each arm of the last run of an experiment",
            [*labels, "outcome"],
            {(name, arm.arm, one): float(arm.outcome == one) for name, arm in arms for one in _OUTCOMES},
        )
        yield gauges(
            "seawall_run_lost_records", "Records that the audit found to be lost, by arm of the last run", labels,
            {(name, arm.arm): arm.lost for name, arm in arms if arm.audited},
        )  # fmt: skip

    def _look(self) -> None:
        new = set(self._directory.glob(f"*/{_NAME}")) - self._read
        self._read |= new
        if not new:
            return
        # loaded when there is something to read, since it takes a while and memory
        from seawall.experiments.errors import NoTime  # noqa: PLC0415
        from seawall.experiments.history_figures import followed  # noqa: PLC0415
        from seawall.report.errors import NewerResult, NoResult  # noqa: PLC0415
        from seawall.report.stored import result_in_file  # noqa: PLC0415

        for path in sorted(new)[-MOST_RUNS:]:  # directories begin with the time of their run
            try:
                run = followed(result_in_file(path), path.parent.name)
            except (NoResult, NewerResult, NoTime):
                continue
            known = self._last.get(run.experiment)
            if known is None or known.at < run.at:
                self._last[run.experiment] = run
