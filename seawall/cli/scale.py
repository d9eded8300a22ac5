"""`scale`: what more processes would carry, and from what that is known."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.markup import escape

from contract.connections import Connections
from seawall.cli.consoles import error_console
from seawall.cli.earlier_rows import settle_rows
from seawall.cli.ending import leave, outcome_text, show, write_files
from seawall.cli.interruption import interruptible
from seawall.cli.option_values import check_table_style, seconds, whole_numbers
from seawall.cli.results_directory import free_directory, keep_server_logs, make_directory
from seawall.cli.running_stack import own_stack, refuse_running_stack
from seawall.cli.scale_progress import ScaleProgress
from seawall.cli.shared_options import (
    TARGETS_FILE,
    AsJson,
    Brokers,
    Clean,
    DrainTimeout,
    Entity,
    OnePath,
    Output,
    Seed,
    TableStyle,
    TargetsFile,
    Warmup,
)
from seawall.cli.targets_file import read_targets
from seawall.experiments.scale import Scale
from seawall.experiments.scale_options import KINDS, ScaleOptions
from seawall.report.files import write_reports
from seawall.report.page.scaling_picture import write_scaling_picture
from seawall.report.scale_tables import scale_lines, scale_table
from seawall.result import Result
from seawall.stack.limits import Limits
from seawall.stack.stack import Stack
from seawall.stats.scaling import FEWEST_POINTS

EXAMPLES = f"""[bold]Examples[/]

  bin/seawall scale --what api                 1 to 6 API processes, about ten minutes
  bin/seawall scale --what sinks --repeats 3   18 trials instead of 12: narrower intervals
  bin/seawall scale --what partitions --rate-each 1000
  bin/seawall scale --what workers             1 to 6 Locust workers beside their master
  bin/seawall scale --what api --path sync     through another write path
  bin/seawall scale --what api --counts 1,2,4,8,12,16 --rate-each 150
  bin/seawall scale --what api --json          the result for machines, on standard output

Every process gets the same small load, so that the machine's cores suffice for all; what is measured is the processor
time a record takes. From it follows what they would carry with a core each, which is a projection: docs/scaling.md.

Exit codes: 0 a law was fitted, 1 something lost, pending or wrong, 2 wrong usage or set-up, 3 the law leaves open
whether more processes carry more, 4 fewer than {FEWEST_POINTS} numbers with a valid trial, 130 interrupted (what was
measured is written)."""


def scale(
    *,
    what: Annotated[str, typer.Option(help=f"What is scaled: {', '.join(KINDS)}.", show_default=False)],
    counts: Annotated[str, typer.Option(help="To which numbers.", metavar="LIST")] = "1,2,3,4,5,6",
    rate_each: Annotated[float, typer.Option(help="Requests a second of each process.")] = 400.0,
    users_each: Annotated[int, typer.Option(help="Users of each process.")] = 100,
    duration: Annotated[str, typer.Option(help="Judged time of a trial.", metavar="TIME")] = "15s",
    warmup: Warmup = "10s",
    repeats: Annotated[int, typer.Option(help="Trials of each number.")] = 2,
    path: OnePath = "kafka",
    entity: Entity = "mixed",
    brokers: Brokers = None,
    clean: Clean = False,
    seed: Seed = 1,
    drain_timeout: DrainTimeout = "20s",
    targets: TargetsFile = TARGETS_FILE,
    output: Output = None,
    table_style: TableStyle = "rounded",
    as_json: AsJson = False,
) -> None:
    """Scale API processes, sinks, partitions or Locust workers at constant work each, and fit a scaling law.

    Each number runs on a stack of its own; Locust workers share one.
    """
    options = ScaleOptions(
        what=what,
        counts=whole_numbers("--counts", counts),
        rate_each_per_s=rate_each,
        users_each=users_each,
        duration_s=seconds("--duration", duration),
        warmup_s=seconds("--warmup", warmup),
        repeats=repeats,
        path=path,
        entity=entity,
        brokers=1 if brokers is None else brokers,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout),
        seed=seed,
    )
    options.validate(Limits.read(), Connections.read())
    judged_by = read_targets(targets)
    check_table_style(table_style)
    if not options.law_is_possible:
        error_console().print(
            f"[yellow]{len(options.counts)} numbers make no law, {FEWEST_POINTS} are needed:[/] trials are run and"
            " shown, and the outcome is INVALID"
        )
    refuse_running_stack("each number needs a stack of its own", "wait for it to end")
    with interruptible():
        directory = free_directory(output, "scale")
        stacks = _Stacks(options, directory, clean=clean)
        with ScaleProgress(error_console()) as progress:
            result = Scale(options, judged_by, targets.resolve(), stacks, directory).run(
                progress, lambda result: _write(result, directory)
            )
    with error_console().status("Drawing the report"):
        write_reports(result, directory)
    show(directory, (), _lines(result, directory, table_style), as_json=as_json)
    leave(result)


class _Stacks:
    """Starts a stack for each number, and stops it when the trial has ended."""

    def __init__(self, options: ScaleOptions, directory: Path, *, clean: bool) -> None:
        self._options, self._directory, self._clean = options, directory, clean
        self._started = 0

    @contextmanager
    def __call__(self, count: int) -> Iterator[Stack]:
        until = "" if self._options.what == "workers" else "trial"
        with own_stack(self._options.stack_options(count), "scale", until=until) as stack:
            if not self._started:  # a database that is not ours may hold rows; later ones are of this run
                settle_rows(stack, clean=self._clean, keep=False)
                make_directory(self._directory)
            self._started += 1
            try:
                yield stack
            finally:
                keep_server_logs(stack, self._directory, f"{self._started:02}-{self._options.what}-{count}")


def _write(result: Result, directory: Path) -> None:
    write_files(result, directory)
    if any(finding.curve for finding in result.scaling):
        write_scaling_picture(result, directory / "scaling.svg")


def _lines(result: Result, directory: Path, style: str) -> Iterator[RenderableType]:
    for finding in result.scaling:
        yield scale_table(finding, result, style)
        yield ""
        yield from scale_lines(finding)
    yield from map(escape, result.reasons)
    yield f"{outcome_text(result)}: {len(result.trials)} trials. Results: {os.path.relpath(directory)}"
