"""Locust's CSV files at the end of a run."""

from __future__ import annotations

from pathlib import Path

import gevent
import locust.stats
import pytest
from locust.env import Environment
from locust.stats import PERCENTILES_TO_REPORT, StatsCSVFileWriter

import seawall.load  # noqa: F401 - what is tested is what it sets up


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StatsCSVFileWriter:
    """Return what writes the files of a run, every 10 ms here."""
    monkeypatch.setattr(locust.stats, "CSV_STATS_INTERVAL_SEC", 0.01)
    return StatsCSVFileWriter(Environment(), PERCENTILES_TO_REPORT, str(tmp_path / "out"))


def test_a_writer_whose_files_locust_has_closed_ends_in_silence(
    writer: StatsCSVFileWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it is between Locust's last words and its end."""
    writing = gevent.spawn(writer.stats_writer)
    gevent.sleep(0.05)
    assert not writing.dead
    writer.close_files()
    writing.join(timeout=5)
    assert writing.successful()
    assert "Traceback" not in capsys.readouterr().err


def test_any_other_mistake_is_still_told(writer: StatsCSVFileWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only closed files are an end."""

    def fail(*_: object) -> None:
        raise ValueError("what is this?")

    monkeypatch.setattr(writer, "_requests_data_rows", fail)
    try:
        with pytest.raises(ValueError, match="what is this"):
            writer.stats_writer()
    finally:
        writer.close_files()
