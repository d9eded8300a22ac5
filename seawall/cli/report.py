"""`report`: makes a run's report again from its files."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from seawall.cli.consoles import error_console, output_console
from seawall.report.files import write_reports
from seawall.report.page.answer_picture import write_picture
from seawall.report.page.chart_files import chart_sheets
from seawall.report.page.sheet import write_sheet
from seawall.report.stored import stored_result
from seawall.report.summary_markdown import summary_markdown

EXAMPLES = """[bold]Examples[/]

  bin/seawall report results/20261121T110000Z-compare    writes report.html, summary.csv and junit.xml there again
  bin/seawall report results/reference/20261121-audited-default --output /tmp/report
  bin/seawall report results/reference/20261121-audited-4000-per-s --picture answer.svg
  bin/seawall report results/reference/20261121-audited-4000-per-s --charts /tmp/charts
  bin/seawall report results/reference/20261121-audited-4000-per-s --markdown    for a build's summary (docs/ci.md)

Exit codes: 0 written, 2 the directory holds no result of ours, a broken one or one of a newer Seawall."""


def report(
    directory: Annotated[Path, typer.Argument(help="What a run wrote: the directory with result.json.")],
    *,
    output: Annotated[
        Path | None, typer.Option(help="Where to write; the directory itself by default.", show_default=False)
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="Write the answer as one SVG picture to this file, and no report.", show_default=False),
    ] = None,
    charts: Annotated[
        Path | None,
        typer.Option(
            help="Write each chart of the page as an SVG picture into this directory, and no report.",
            show_default=False,
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print answer, figures and verdicts in Markdown, and write no report.")
    ] = False,
) -> None:
    """Render the report of a run again, from result.json and the raw columns beside it."""
    result = stored_result(directory)
    if markdown:
        sys.stdout.write(summary_markdown(result))
        return
    if picture is not None:
        write_picture(result, picture)
        output_console().print(f"Picture: {os.path.relpath(picture)}")
    if charts is not None:
        sheets = chart_sheets(result, directory)
        charts.mkdir(parents=True, exist_ok=True)
        for name, content in sheets.items():
            write_sheet(content, charts / name)
        output_console().print(f"Charts: {', '.join(sheets)} in {os.path.relpath(charts)}")
    if picture is not None or charts is not None:
        return
    target = output or directory
    target.mkdir(parents=True, exist_ok=True)
    with error_console().status("Reading the raw columns"):
        write_reports(result, directory, target)
    output_console().print(f"Report: {os.path.relpath(target / 'report.html')}")
