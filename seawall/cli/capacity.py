"""`capacity`: the highest load that holds the targets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from seawall.cli.capacity_progress import CapacityProgress
from seawall.cli.consoles import error_console
from seawall.cli.ending import leave, outcome_text, show, write_files
from seawall.cli.experiment_place import OwnStacks, experiment_place
from seawall.cli.interruption import interruptible
from seawall.cli.option_values import check_table_style, names, seconds, share, times
from seawall.cli.results_directory import free_directory
from seawall.cli.running_stack import refuse_running_stack
from seawall.cli.shared_options import (
    TARGETS_FILE,
    ApiProcesses,
    AsJson,
    Brokers,
    Clean,
    Database,
    DrainTimeout,
    Entity,
    Output,
    Paths,
    Seed,
    Sinks,
    TableStyle,
    TargetsFile,
    Warmup,
)
from seawall.cli.targets_file import read_targets
from seawall.experiments.arms import PATHS
from seawall.experiments.capacity import Capacity, StackOf
from seawall.experiments.capacity_options import CapacityOptions, Place
from seawall.report.capacity_tables import capacity_tables
from seawall.report.capacity_words import capacity_remarks
from seawall.report.files import write_reports
from seawall.report.page.capacity_picture import write_capacity_pictures
from seawall.result import Result
from seawall.stack.limits import Limits

EXAMPLES = """[bold]Examples[/]

  bin/seawall capacity                         every path's knee: about six minutes each
  bin/seawall capacity --paths kafka
  bin/seawall capacity --paths grouped --start 5000 --most 12000
  bin/seawall capacity --users 500             the same loads by fewer users
  bin/seawall capacity --database-delay 0,2ms,5ms,10ms --precision 20%    how far away may the database be?
  bin/seawall capacity --flush-delay 0,2ms,10ms        how slow may its disk be?
  bin/seawall capacity --bursts 2s,10s         what a burst may reach, beside a load that lasts
  bin/seawall capacity --json                  the result for machines, on standard output

The load rises by half until a target of the set `always` is missed, less than 99 % of the load becomes visible, or the
log grows; then the gap is halved until it is 5 %, both its ends are repeated, and 50, 70 and 90 % of the knee are run.
Every step is on fresh state and audited. Delays model a database that is far away or slow: a link hands what API and
sinks send to it on late, PostgreSQL waits before it flushes. Each list is a stack an entry.

Exit codes: 0 every knee found, 1 something lost or wrong, or no load holds, 2 wrong usage or set-up, 3 the generator
can offer no more or a knee is not confirmed, 130 interrupted (what was measured is written)."""


def capacity(
    *,
    paths: Paths = "",
    start: Annotated[float, typer.Option(help="First load, requests a second.")] = 2_000.0,
    least: Annotated[float, typer.Option(help="Lowest load to try, requests a second.")] = 50.0,
    most: Annotated[float, typer.Option(help="Highest load to try, requests a second.")] = 20_000.0,
    users: Annotated[int, typer.Option(help="Users at most; below that each sends once a second.")] = 10_000,
    duration: Annotated[str, typer.Option(help="Judged time of a step.", metavar="TIME")] = "15s",
    warmup: Warmup = "3s",
    database_delay: Annotated[
        str, typer.Option(help="By how much each round trip to the database takes longer: a TIME each.", metavar="LIST")
    ] = "0",
    flush_delay: Annotated[
        str, typer.Option(help="By how much each flush of its log takes longer: a TIME each.", metavar="LIST")
    ] = "0",
    bursts: Annotated[
        str,
        typer.Option(
            help="Lengths of bursts to be tried, too: a TIME each.  \\[default: none]",
            metavar="LIST",
            show_default=False,
        ),
    ] = "",
    precision: Annotated[str, typer.Option(help="How far apart both ends may be.", metavar="SHARE")] = "5%",
    entity: Entity = "mixed",
    database: Database = "",
    brokers: Brokers = None,
    sinks: Sinks = None,
    api_processes: ApiProcesses = None,
    clean: Clean = False,
    seed: Seed = 1,
    drain_timeout: DrainTimeout = "20s",
    targets: TargetsFile = TARGETS_FILE,
    output: Output = None,
    table_style: TableStyle = "rounded",
    as_json: AsJson = False,
) -> None:
    """Find the highest load at which each write path holds all targets."""
    options = CapacityOptions(
        paths=names(paths) or PATHS,
        start_per_s=start,
        least_per_s=least,
        most_per_s=most,
        users=users,
        duration_s=seconds("--duration", duration),
        warmup_s=seconds("--warmup", warmup),
        database_delays_ms=tuple(1_000 * delay_s for delay_s in times("--database-delay", database_delay)),
        flush_delays_ms=tuple(1_000 * delay_s for delay_s in times("--flush-delay", flush_delay)),
        bursts_s=times("--bursts", bursts),
        precision=1 + share("--precision", precision),
        entity=entity,
        database=database,
        brokers=brokers,
        sinks=sinks,
        api_processes=api_processes,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout),
        seed=seed,
    )
    options.validate(Limits.read())
    judged_by = read_targets(targets)
    check_table_style(table_style)
    with interruptible():
        directory = free_directory(output, "capacity")
        with (
            _stacks(options, directory, clean=clean) as stack_of,
            CapacityProgress(error_console()) as progress,
        ):
            result = Capacity(options, judged_by, stack_of, directory).run(
                progress, lambda result: _write(result, directory)
            )
    write_reports(result, directory)
    show(directory, capacity_tables(result, table_style), _lines(result, directory), as_json=as_json)
    leave(result)


@contextmanager
def _stacks(options: CapacityOptions, directory: Path, *, clean: bool) -> Iterator[StackOf]:
    """Give what gives each place its stack: the one that is up will do where the database is as it is."""
    if options.needs_own_stacks:
        refuse_running_stack("a database with a delay needs stacks of its own", "leave the delays out")
        make = OwnStacks("capacity", directory, clean=clean)
        yield lambda place: make(options.stack(place), place.words or "no delay")
        return
    asked = any(number is not None for number in (options.brokers, options.sinks, options.api_processes))
    with experiment_place(options.stack(Place()), "capacity", directory, asked=asked, clean=clean) as stack:
        yield lambda _: nullcontext(stack)


def _write(result: Result, directory: Path) -> None:
    write_files(result, directory)
    write_capacity_pictures(result, directory)


def _lines(result: Result, directory: Path) -> Iterator[str]:
    yield from map(escape, (*capacity_remarks(result), *result.reasons))
    yield f"{outcome_text(result)}: {len(result.trials)} steps. Results: {os.path.relpath(directory)}"
