"""The report of a soak, from a result made up for the purpose."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from seawall.report.errors import BrokenColumns
from seawall.report.files import write_reports
from seawall.report.soak_rows import slope_row
from seawall.report.soak_tables import MOST_SEGMENTS, soak_tables
from seawall.result import Arm, Outcome, Quantiles, Result, SlopeFinding, SoakSegment, Trial

LEAK = SlopeFinding(
    service="api", metric="memory", unit="%", per_hour=5.0, ci_low=4.2, ci_high=None, limit=1.0, outcome=Outcome.FAIL,
    reason="rises by 4.2 % an hour and more", samples=480,
)  # fmt: skip
SHOWN = SlopeFinding(service="postgres", metric="memory", unit="%", per_hour=30.0, ci_low=20.0, ci_high=40.0)


def soak(segments: int) -> Result:
    """Return a soak of so many minutes whose API leaks."""
    trials = [
        Trial(
            name=f"kafka-segment-{number:04d}", kind="load", arm="kafka", block=number, entity="mixed", started_at="",
            users=10, requests=600, offered_per_s=10.0, achieved_per_s=10.0, duration_s=57.0,
            response_ms=Quantiles(p50=4.0, p95=9.0), visible_ms=Quantiles(p95=30.0),
            rss_bytes={"api": 90_000_000 + number, "sink-1": 40_000_000, "sink-2": 41_000_000, "load": 120_000_000},
        )
        for number in range(1, segments + 1)
    ]  # fmt: skip
    return Result(
        experiment="soak", started_at="2026-11-21T11:00:00+00:00", finished_at="2026-11-21T12:00:00+00:00", seed=1,
        outcome=Outcome.FAIL, reasons=["memory of api: rises by 4.2 % an hour and more"],
        arms=[Arm(name="kafka", path="kafka", durability="1 broker, page cache")], trials=trials,
        segments=[
            SoakSegment(trial=trial.name, sitting=1, at_s=60.0 * place, warm_up=place < 2)
            for place, trial in enumerate(trials)
        ],
        slopes=[LEAK, SHOWN],
    )  # fmt: skip


def test_a_slope_in_words_says_which_end_is_open() -> None:
    """An end that the soak does not bound is no number, and what is only shown has no verdict."""
    row = slope_row(LEAK)
    assert (row.per_hour, row.interval, row.limit, row.verdict) == ("+5 %", "+4.2 to open", "1 %", "FAIL")
    assert slope_row(SHOWN)[4:6] == ("-", "shown")
    unknown = SlopeFinding(service="api", metric="open_files", unit="files", outcome=Outcome.INCONCLUSIVE)
    assert slope_row(unknown)[2:4] == ("-", "-")


def test_the_tables_show_the_ends_of_a_long_soak_and_sum_up_the_sinks() -> None:
    """A night of segments fits on a screen."""
    console = Console(file=io.StringIO(), width=200)
    for table in soak_tables(soak(100), "ascii"):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    first = text[: text.index("By how much")]
    assert first.count("81.0") == MOST_SEGMENTS
    assert "warm-up" in first
    assert "rises by 4.2 % an hour" in text


def test_the_page_draws_memory_over_all_segments(tmp_path: Path) -> None:
    """One line a process from the readings of the segments; slopes are a table, and test cases for build servers."""
    result = soak(3)
    (tmp_path / "resources").mkdir()
    for segment in result.segments:
        pq.write_table(
            pa.table(
                {
                    "at_s": pa.array([segment.at_s, segment.at_s + 1.0] * 2),
                    "service": pa.array(["api", "api", "load", "load"]).dictionary_encode(),
                    "rss_bytes": pa.array([90_000_000, 91_000_000, 120_000_000, 120_000_000]),
                }
            ),
            tmp_path / "resources" / f"{segment.trial}.parquet",
        )
    write_reports(result, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for words in ("Does it last?", "Memory over time", "Response time over the segments", "+4.2 to open"):
        assert words in page
    assert "raw columns of this run are not beside" not in page
    junit = (tmp_path / "junit.xml").read_text()
    assert "memory of api does not creep up" in junit
    assert "postgres" not in junit
    (tmp_path / "resources" / "kafka-segment-0002.parquet").write_bytes(b"PAR1")
    with pytest.raises(BrokenColumns, match="copy it again"):
        write_reports(result, tmp_path)


def test_a_soak_without_readings_or_segments_still_has_a_page(tmp_path: Path) -> None:
    """Whatever is missing is left out."""
    write_reports(soak(3), tmp_path)
    assert "Memory over time" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    write_reports(soak(0), tmp_path)
    assert "Nothing was measured" in (tmp_path / "report.html").read_text(encoding="utf-8")
