"""`history`: what became of the figures over many runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from seawall.cli.consoles import error_console
from seawall.cli.exits import exit_of
from seawall.experiments.errors import NoTime
from seawall.experiments.history import make_history
from seawall.experiments.history_figures import FollowedRun, followed
from seawall.experiments.periods import PERIODS
from seawall.report.errors import NewerResult, NoResult
from seawall.report.history_markdown import history_markdown
from seawall.report.page.history_page import write_history_page
from seawall.report.result_files import ResultFiles, find_results
from seawall.report.stored import result_in_file
from seawall.result.history import History, SkippedFile

RESULTS = Path("results")

EXAMPLES = """[bold]Examples[/]

  bin/seawall history                                 every run below results, as Markdown
  bin/seawall history --html history.html             the page as well: one file, opens offline
  bin/seawall history nightly --by week --markdown history.md --html history.html
  bin/seawall history results/reference --anyway      also what ran on different machines or with other options
  bin/seawall history --json                          for machines, on standard output

Every result below the directory is read, whatever its experiment; what is none is named and left out. Each run gives
one figure of a kind: p95 of answers and of visible rows, achieved rate, share that failed, records lost; the knee of
capacity, the slopes of soak, the recoveries of fault. Runs whose machine, load, settings or durability differ are never
put into one series. In each series of ten runs or more, changes of level are sought (docs/history.md).

Exit codes: 0 nothing got worse, 1 in the newest period a level changed for the worse by more than 5 %, or records were
lost, 2 wrong usage, or no result is there, 3 no figure has the ten runs that tell a change from chance, 130
interrupted."""


def history(
    directory: Annotated[Path, typer.Argument(help="Where the runs lie, at whatever depth.")] = RESULTS,
    *,
    by: Annotated[
        str | None,
        typer.Option(
            help=f"Period of the tables: {', '.join(PERIODS)}.  \\[default: day up to 14 days, week up to 120]",
            metavar="PERIOD",
            show_default=False,
        ),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="One series a path, where machine, load or settings differ, too.")
    ] = False,
    markdown: Annotated[
        Path | None,
        typer.Option(help="File of the Markdown report, instead of standard output.", show_default=False),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="File of the page, too.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the history as JSON instead of Markdown.")] = False,
) -> None:
    """Follow the figures of all runs below a directory by day, week or month, and find where their level changed."""
    if by is not None and by not in PERIODS:
        raise typer.BadParameter(f"unknown {by!r}, known are {', '.join(PERIODS)}", param_hint="--by")
    for option, file in (("--markdown", markdown), ("--html", html)):
        if file is not None and not file.absolute().parent.is_dir():
            raise typer.BadParameter(f"{file.parent} is no directory: make it first", param_hint=option)
    found = find_results(directory)
    with _progress() as progress:
        runs, skipped = _read(directory, found, progress)
        if not runs:
            raise NoResult(_nothing(directory, skipped))
        made = _make(runs, skipped, directory, progress, by=by, anyway=anyway)
    _write(made, markdown, html, as_json=as_json)
    raise typer.Exit(exit_of(made.outcome))


def _progress() -> Progress:
    console = error_console()
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True,
        disable=not console.is_terminal,
    )  # fmt: skip


def _read(directory: Path, found: ResultFiles, progress: Progress) -> tuple[list[FollowedRun], list[SkippedFile]]:
    """Return the runs, and all that is none; of each result only its figures are kept."""
    runs, skipped = [], list(found.skipped)
    for path in progress.track(found.files, description="reading results"):
        name = path.parent if path.name == "result.json" else path
        shown = os.path.relpath(name, directory)
        try:
            runs.append(followed(result_in_file(path), shown))
        except (NoResult, NewerResult, NoTime) as error:
            skipped.append(SkippedFile(path=os.path.relpath(path, directory), why=str(error).removeprefix(f"{path} ")))
    return runs, skipped


def _make(
    runs: list[FollowedRun],
    skipped: list[SkippedFile],
    directory: Path,
    progress: Progress,
    *,
    by: str | None,
    anyway: bool,
) -> History:
    task = progress.add_task("looking for changes", total=None)
    return make_history(
        runs, str(directory), by=by, anyway=anyway, skipped=skipped,
        told=lambda what: progress.update(task, description=f"looking for changes: {what}"),
    )  # fmt: skip


def _write(made: History, markdown: Path | None, html: Path | None, *, as_json: bool) -> None:
    if html is not None:
        write_history_page(made, html)
    if markdown is not None:
        markdown.write_text(history_markdown(made), encoding="utf-8")
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(made), indent=1).decode() + "\n")
    elif markdown is None:
        sys.stdout.write(history_markdown(made))
    for file in filter(None, (markdown, html)):
        error_console().print(f"Report: {os.path.relpath(file)}", soft_wrap=True)


def _nothing(directory: Path, skipped: list[SkippedFile]) -> str:
    return "\n".join(_lines(directory, skipped))


def _lines(directory: Path, skipped: list[SkippedFile]) -> Iterator[str]:
    yield f"{directory} holds no result that can be read: give the directory in which your runs lie, such as results"
    for one in skipped[:3]:
        yield f"  {one.path}: {one.why}"
    if len(skipped) > 3:  # noqa: PLR2004
        yield f"  and {len(skipped) - 3} more"
