"""The cache fleet on the real servers, short."""

from __future__ import annotations

from pathlib import Path

from contract.fleet import ENTRIES
from seawall.cli.shared_options import TARGETS_FILE
from seawall.cli.targets_file import read_targets
from seawall.experiments.stream_cache import CacheRun
from seawall.experiments.stream_cache_options import CacheOptions
from seawall.load.trial import Progress
from seawall.report.answer import answer_of
from seawall.report.page.page import render
from seawall.result import Outcome, Result
from seawall.result.cache_fleet import FleetFinding
from seawall.stack.stack import Stack


class Notes:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def rows_grow(self, rows: int, table: str, done: int, total: int) -> None:
        """Hear it."""

    def trial_starts(self, number: int, total: int, rows: int, arm: str) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {arm}, {rows} rows")

    def trial_goes_on(self, progress: Progress) -> None:
        """Hear it."""

    def trial_ended(self, number: int, total: int, finding: FleetFinding) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {finding.arm} ended")


def test_the_same_orders_without_the_cache_and_with_it(stack: Stack, tmp_path: Path) -> None:
    """Each order becomes a row as it was sent, and with the cache no pick asks the database."""
    options = CacheOptions(
        rows=(1_500,), arms=("database", "warm"), rate_per_s=20.0, buyers=4, duration_s=3.0, warmup_s=0.5, compress=25.0
    )
    (tmp_path / "raw").mkdir()
    notes = Notes()
    written: list[Result] = []
    result = CacheRun(options, read_targets(TARGETS_FILE), stack, tmp_path).run(notes, written.append)
    assert notes.heard == [
        "1/2 database, 1500 rows", "1/2 database ended", "2/2 warm, 1500 rows", "2/2 warm ended",
    ]  # fmt: skip
    assert result.fleet is not None
    database, warm = result.fleet.trials
    for one, trial in zip((database, warm), result.trials, strict=True):
        assert one.orders == trial.audit.attempted
        assert one.orders + trial.unsent == 70  # on a busy machine not all are made in time
        assert one.orders > 20
        assert trial.audit.acknowledged == trial.audit.stored == one.orders
        assert (one.lost, one.doubled, one.pending, trial.audit.corrupted) == (0, 0, 0, 0)
        assert one.nobody == 0
        assert one.outcome is not Outcome.FAIL  # on a busy machine it may tell nothing
    assert database.pick_queries_per_min == round(database.orders * 60 / 3.5, 3)
    assert database.hit_rate is None
    assert database.stale == 0
    assert (warm.hit_rate, warm.misses, warm.pick_queries_per_min) == (1.0, 0, 0.0)
    assert warm.filled_s == 0.0
    assert warm.age_max_s is not None
    assert any(moment.users == moment.products == ENTRIES for moment in warm.moments)
    assert {claim.name for claim in result.fleet.claims} >= {"database queries saved", "age of answers"}
    assert answer_of(result).sentence in render(result, {}).replace("&#39;", "'")
    assert not stack.lag()
