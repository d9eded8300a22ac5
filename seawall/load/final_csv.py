"""Locust's CSV files once more at the end of a run: Locust itself writes them once a second, and not at the end."""

from __future__ import annotations

import csv
from pathlib import Path

from locust.env import Environment
from locust.stats import PERCENTILES_TO_REPORT, StatsCSV


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
