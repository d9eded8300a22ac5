"""Locust's CSV files at the end of a run, in processes of their own: Locust changes the one that loads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BEGIN = """
import gevent, locust.stats
from locust.env import Environment
import seawall.load.users

locust.stats.CSV_STATS_INTERVAL_SEC = 0.01
writer = locust.stats.StatsCSVFileWriter(Environment(), locust.stats.PERCENTILES_TO_REPORT, "out")
writing = gevent.spawn(writer.stats_writer)
gevent.sleep(0.05)
"""


def run(directory: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run *script* while Locust's files are being written."""
    return subprocess.run(
        [sys.executable, "-c", BEGIN + script], cwd=directory, capture_output=True, text=True, timeout=30, check=False
    )


def test_a_writer_whose_files_locust_has_closed_ends_in_silence(tmp_path: Path) -> None:
    """As it is between Locust's last words and its end."""
    done = run(tmp_path, "assert not writing.dead; writer.close_files(); writing.join(5); print(writing.successful())")
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr
    assert "Traceback" not in done.stderr


def test_any_other_mistake_is_still_told(tmp_path: Path) -> None:
    """Only closed files are an end."""
    done = run(tmp_path, "writer.failures_csv_filehandle.close(); writing.join(5); print(repr(writing.exception))")
    assert "I/O operation on closed file" in done.stdout
    assert "Traceback" in done.stderr
