"""Locust's CSV files once more at the end of a run: Locust itself writes them once a second, and not at the end."""

from __future__ import annotations

import csv
from pathlib import Path

from locust.env import Environment
from locust.stats import PERCENTILES_TO_REPORT, StatsCSV, StatsCSVFileWriter

_write_each_second = StatsCSVFileWriter.stats_writer


def end_with_its_files(writer: StatsCSVFileWriter) -> None:
    """Do what ``StatsCSVFileWriter.stats_writer`` does, and end where Locust has closed the files.

    Locust closes them before it ends; a writer whose second is over just then would print the traceback of a
    `ValueError` below the verdict. To be set in its place.
    """
    try:
        _write_each_second(writer)
    except ValueError:
        if not writer.requests_csv_filehandle.closed:
            raise


def write_final_csv(environment: Environment, prefix: str) -> None:
    """Write ``PREFIX_stats.csv``, ``PREFIX_failures.csv`` and ``PREFIX_exceptions.csv`` from what is known by now.

    Each replaces Locust's own file, whose open handle then leads nowhere: what Locust may still write is older.
    """
    writer = StatsCSV(environment, PERCENTILES_TO_REPORT)
    tables = {"stats": writer.requests_csv, "failures": writer.failures_csv, "exceptions": writer.exceptions_csv}
    for name, write in tables.items():
        path = Path(f"{prefix}_{name}.csv")
        partial = path.with_suffix(".partial")
        with partial.open("w", newline="", encoding="utf-8") as file:
            write(csv.writer(file))
        partial.replace(path)
