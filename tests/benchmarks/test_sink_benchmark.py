"""The benchmark of the sink in its quick form: that it measures what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.errors import ProcessFailed
from benchmarks.sink import visible_ms
from benchmarks.sink_run import CpuUse, SinkRun
from contract.journal import Commit, Span


@pytest.mark.long
def test_the_quick_form_stores_all_records_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Sink and COPY stand beside each other with an interval, and what a pace takes below them."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "seawall.cli", "bench", "sink", "--quick", "--json"],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "SEAWALL_HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    result = json.loads(done.stdout)
    assert result["reached"] == (done.returncode == 0)
    speed, *shares, cores, visible = result["figures"]
    assert speed["name"] == "rows a second"
    assert speed["measured"] > 0 < speed["beside"]
    assert "(" in speed["error"]
    assert [figure["name"].partition(":")[0] for figure in shares] == ["sink", "PostgreSQL", "Kafka"]
    assert all(figure["measured"] > 0 for figure in (*shares, cores, visible))
    assert list(tmp_path.iterdir()) == []


def test_a_record_is_visible_when_the_first_commit_that_holds_it_returned() -> None:
    """Delays run from when a record was due; one that never became visible is no figure but a failure."""
    commits = [
        Commit(5_000_000, [Span("users", 0, 0, 1)], 2, 0, 0),
        Commit(9_000_000, [Span("users", 0, 1, 2)], 1, 1, 0),
    ]
    run = SinkRun(commits, CpuUse(0, 0, 0))
    published = {("users", 0, offset): 1_000_000 for offset in range(3)}
    assert visible_ms(run, published) == [4.0, 4.0, 8.0]
    with pytest.raises(ProcessFailed):
        visible_ms(run, {**published, ("users", 1, 0): 0})


def test_rows_and_time_count_from_the_first_commit() -> None:
    """What came before it, the start of a process and of a group, belongs to neither."""
    commits = [Commit(number * 10**9, [], 100, 0, 0) for number in (7, 8, 9)]
    run = SinkRun(commits, CpuUse(0, 0, 0))
    assert (run.rows, run.seconds) == (200, 2.0)
