"""Groups of every kind on the real servers, short: from the log, and from copies in the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.experiments.stream_fanout import FanoutRun
from seawall.experiments.stream_fanout_options import FanoutOptions
from seawall.load.trial import Progress
from seawall.result import Outcome, Result
from seawall.result.fanout import DATABASE, LOG, SLOW, STUMBLING, FanoutFinding
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

    def finding(self, number: int, total: int, finding: FanoutFinding) -> None:
        """Note it."""
        self.heard.append(f"{number}/{total} {finding.what} ended")


def fanned_out(stack: Stack, directory: Path, options: FanoutOptions) -> tuple[Result, Notes]:
    """Run it."""
    (directory / "raw").mkdir()
    notes = Notes()
    return FanoutRun(options, stack, directory).run(notes, lambda _: None), notes


def all_right(finding: FanoutFinding) -> bool:
    """Tell whether every group dealt with every record, and what it made is the table's."""
    return all(one.right and one.done + one.buried == finding.records for one in finding.groups)


def test_a_group_that_stumbles_buries_one_record_and_others_do_all(stack: Stack, tmp_path: Path) -> None:
    """And the table, when it is lost, comes back from the log as it was."""
    options = FanoutOptions(records=600, groups=(5,), ways=(LOG,), slow_ms=0.0)
    result, notes = fanned_out(stack, tmp_path, options)
    assert notes.heard == [
        "0/2 warm-up", "1/2 log-5", "1/2 plain ended", "2/2 log-5-stumbling", "2/2 stumbling ended",
    ]  # fmt: skip
    plain, stumbling = result.fanout
    assert [one.kind for one in plain.groups] == ["store", "analytics", "notification", "search", "archive"]
    assert (plain.records, plain.lost, plain.doubled, plain.pending) == (600, 0, 0, 0)
    assert all_right(plain)
    assert sum(one.buried for one in plain.groups) == 0
    assert stumbling.what == STUMBLING
    assert all_right(stumbling)
    assert [one.buried for one in stumbling.groups] == [0, 0, 0, 0, 1]
    (rebuilt,) = result.rebuilt
    assert (rebuilt.rows, rebuilt.built, rebuilt.differing) == (600, 600, 0)
    assert result.outcome is Outcome.PASS


@pytest.mark.long
@pytest.mark.timeout(300)
def test_copies_through_the_database_reach_every_group_too(stack: Stack, tmp_path: Path) -> None:
    """Eight groups either way, and a slow one; the queues are gone in the end."""
    options = FanoutOptions(records=2_000, groups=(1, 8), slow_ms=20.0, stumble=False)
    result, _ = fanned_out(stack, tmp_path, options)
    assert [(one.arm, one.count, one.what == SLOW) for one in result.fanout] == [
        (LOG, 1, False), (LOG, 8, False), (DATABASE, 8, False), (LOG, 8, True), (DATABASE, 8, True),
    ]  # fmt: skip
    assert all(all_right(one) for one in result.fanout)
    assert all(one.others_kept for one in result.fanout if one.what == SLOW)
    assert all(one.store_kept for one in result.fanout if one.count > 1)
    assert {row.metric for row in result.targets} == {"groups_wrong", "store_kept", "rebuilt_differing"}
