"""`stream ingest`: many times the rate that can be sustained, for seconds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.markup import escape

from seawall.cli.burst_progress import BurstProgress
from seawall.cli.consoles import error_console
from seawall.cli.ending import leave, outcome_text, show, write_files
from seawall.cli.experiment_place import experiment_place
from seawall.cli.interruption import interruptible
from seawall.cli.option_values import check_table_style, names, seconds
from seawall.cli.results_directory import free_directory
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
    Users,
)
from seawall.cli.targets_file import read_targets
from seawall.experiments.arms import PATHS
from seawall.experiments.stream_ingest import IngestRun
from seawall.experiments.stream_ingest_options import IngestOptions
from seawall.report.answer import answer_of
from seawall.report.burst_tables import burst_tables
from seawall.report.files import write_reports
from seawall.result import Result
from seawall.result.bursts import INGEST
from seawall.stack.limits import Limits

EXAMPLES = """[bold]Examples[/]

  bin/seawall stream ingest                            300 writes a second, then 3,000 for 5 s, then 300 again
  bin/seawall stream ingest --rate 1000 --factor 10    on a machine that sustains a thousand
  bin/seawall stream ingest --paths sync,kafka --burst 10s --after 30s
  bin/seawall stream ingest --sinks 3 --brokers 3      with more behind the log
  bin/seawall stream ingest --rate 150 --factor 20 --json    the result for machines, on standard output

--rate is meant to be what every path sustains for ever: `bin/seawall capacity` finds it, and a path that cannot serve
it before the burst makes the trial INVALID. Requests are due by the schedule, whatever is answered, so the burst does
not wait for the service; there have to be as many users as requests can be under way at once. A burst that is shed or
served late is no FAIL, but the answer: docs/scenarios.md. What counts as in time are the targets of the set `always`.

Exit codes: 0 each path's answer is known and nothing is lost, 1 something was lost, doubled or left pending, 2 wrong
usage or set-up, 3 not all was as before when a trial ended, 4 the instrument was late or --rate too much, 130
interrupted (what was measured is written)."""


def stream_ingest(
    *,
    paths: Paths = "",
    rate: Annotated[float, typer.Option(help="Requests a second, before and after the burst.")] = 300.0,
    factor: Annotated[float, typer.Option(help="The burst's rate, as a multiple of --rate.")] = 10.0,
    burst: Annotated[str, typer.Option(help="How long the burst lasts.", metavar="TIME")] = "5s",
    before: Annotated[str, typer.Option(help="Judged time before it.", metavar="TIME")] = "5s",
    after: Annotated[str, typer.Option(help="Judged time after it.", metavar="TIME")] = "15s",
    warmup: Annotated[str, typer.Option(help="Time before all that, not judged.", metavar="TIME")] = "3s",
    users: Users = 1_000,
    entity: Entity = "mixed",
    database: Database = "",
    brokers: Brokers = None,
    sinks: Sinks = None,
    api_processes: ApiProcesses = None,
    clean: Clean = False,
    seed: Seed = 1,
    drain_timeout: DrainTimeout = "60s",
    targets: TargetsFile = TARGETS_FILE,
    output: Output = None,
    table_style: TableStyle = "rounded",
    as_json: AsJson = False,
) -> None:
    """Send a burst of many times the rate by each write path: who absorbs it, and when is all of it visible?

    A trial a path on fresh state, audited; on the stack that is up, or on one of its own.
    """
    options = IngestOptions(
        paths=names(paths) or PATHS,
        rate_per_s=rate,
        factor=factor,
        burst_s=seconds("--burst", burst),
        before_s=seconds("--before", before),
        after_s=seconds("--after", after),
        warmup_s=seconds("--warmup", warmup),
        users=users,
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
    asked = any(number is not None for number in (brokers, sinks, api_processes))
    with interruptible():
        directory = free_directory(output, INGEST)
        with (
            experiment_place(options.stack(), INGEST, directory, asked=asked, clean=clean) as stack,
            BurstProgress(error_console()) as progress,
        ):
            run = IngestRun(options, judged_by, stack, directory)
            result = run.run(progress, lambda result: write_files(result, directory))
    with error_console().status("Drawing the report"):
        write_reports(result, directory)
    show(directory, burst_tables(result, table_style), _lines(result, os.path.relpath(directory)), as_json=as_json)
    leave(result)


def _lines(result: Result, directory: str) -> Iterator[str]:
    answer = answer_of(result)
    yield from map(escape, [f"{answer.word}. {answer.sentence}", *answer.from_which_load, *answer.doubts])
    yield f"{outcome_text(result)}: {len(result.bursts)} bursts. Results: {escape(directory)}"
