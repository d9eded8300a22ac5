"""The files that are made from a result: page, CSV and JUnit."""

from __future__ import annotations

from pathlib import Path

from seawall.report.junit import write_junit
from seawall.report.shape_words import is_over_loads
from seawall.report.summary_csv import write_summary
from seawall.result import Result


def write_run_reports(result: Result, directory: Path, prefix: str) -> None:
    """Write the page and the JUnit file of a recorded run into *directory*, their names beginning with *prefix*."""
    partial = directory / f"{prefix}report.partial"
    partial.write_text(_page(result, directory), encoding="utf-8")
    partial.replace(directory / f"{prefix}report.html")
    write_junit(result, directory / f"{prefix}junit.xml")


def write_reports(result: Result, directory: Path, output: Path | None = None) -> None:
    """Write report.html, summary.csv and junit.xml from *result* and the raw columns in *directory*.

    Each file appears in *output*, by default the same directory, only when it is whole.
    """
    output = output or directory
    # Over different loads, or over faults, a distribution would say nothing.
    page = _page(result, directory, pictured=not is_over_loads(result))
    partial = output / "report.partial"
    partial.write_text(page, encoding="utf-8")
    partial.replace(output / "report.html")
    write_summary(result, output / "summary.csv")
    write_junit(result, output / "junit.xml")


def _page(result: Result, directory: Path, *, pictured: bool = True) -> str:
    from seawall.report.material import gather  # noqa: PLC0415 - loads what reads columns
    from seawall.report.page.page import render  # noqa: PLC0415 - loads what templates need

    return render(result, gather(result, directory) if pictured else {})
