"""`soak`: one load for a long time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from seawall.cli.consoles import error_console
from seawall.cli.ending import leave, outcome_text, show, write_files
from seawall.cli.experiment_place import experiment_place
from seawall.cli.interruption import interruptible
from seawall.cli.option_values import check_table_style, seconds
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
    OnePath,
    Output,
    Rate,
    Seed,
    Sinks,
    TableStyle,
    TargetsFile,
    Users,
)
from seawall.cli.soak_progress import SoakProgress
from seawall.cli.targets_file import read_targets
from seawall.experiments.soak import Soak
from seawall.experiments.soak_options import SoakOptions, options_of
from seawall.report.files import write_reports
from seawall.report.soak_tables import soak_tables
from seawall.report.stored import stored_result
from seawall.report.verdicts import verdict_lines
from seawall.result import Result
from seawall.stack.limits import Limits
from seawall.stack.options import StackOptions

EXAMPLES = """[bold]Examples[/]

  bin/seawall soak                                 ten minutes at 2,000 writes a second through Kafka
  bin/seawall soak --path grouped --duration 8h    a night
  bin/seawall soak --rate 500 --users 100 --duration 6m --segment 20s --warmup 60s
  bin/seawall soak --resume results/20261121T110000Z-soak    go on after Ctrl-C, a reboot or a full disk

The load runs in audited segments on servers that are never restarted, and rows stay. Memory and open files of
generator, API and sinks, response time, visible delay and lag must not creep up: each slope has a 95 % interval and
a limit (docs/methodology.md). Ctrl-C, a kill or a full disk cost one segment at most.

Exit codes: 0 nothing creeps up, 1 something does, or was lost, or a target is missed, 2 wrong usage or set-up, 3 too
short to tell, 4 not finished, or most segments say nothing, 130 interrupted (what was measured is written)."""


def soak(
    context: typer.Context,
    *,
    path: OnePath = "kafka",
    rate: Rate = 2_000.0,
    users: Users = 1_000,
    duration: Annotated[str, typer.Option(help="Time under load.", metavar="TIME")] = "10m",
    segment: Annotated[str, typer.Option(help="Time of a segment, which an audit ends.", metavar="TIME")] = "60s",
    warmup: Annotated[
        str,
        typer.Option(
            help="Time whose slopes are not judged.  \\[default: a fifth, 60s to 10m, of a short soak half]",
            metavar="TIME",
            show_default=False,
        ),
    ] = "",
    entity: Entity = "mixed",
    keep_raw: Annotated[
        bool, typer.Option("--keep-raw", help="Keep the requests of all segments, not only of those that failed.")
    ] = False,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the soak in this directory.", show_default=False)
    ] = None,
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
    """Hold one load for a long time, and see whether memory, files, times or lag creep up."""
    options = SoakOptions(
        path=path,
        rate_per_s=rate,
        users=users,
        duration_s=seconds("--duration", duration),
        segment_s=seconds("--segment", segment),
        warmup_s=seconds("--warmup", warmup) if warmup else None,
        entity=entity,
        database=database,
        brokers=brokers,
        sinks=sinks,
        api_processes=api_processes,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout),
        seed=seed,
        keep_raw=keep_raw,
    )
    earlier = None
    if resume is not None:
        if output is not None or clean:
            raise typer.BadParameter(
                "leave --output and --clean out: a soak goes on where it is", param_hint="--resume"
            )
        earlier = stored_result(resume)
        options = options_of(earlier, _given(context, options))
    options.validate(Limits.read())
    judged_by = read_targets(targets)
    check_table_style(table_style)
    with interruptible():
        directory = resume or free_directory(output, "soak")
        result = _run(options, judged_by, directory, earlier, clean=clean)
        _report(result, directory)
    show(directory, soak_tables(result, table_style), _lines(result, directory), as_json=as_json)
    leave(result)


_FIELDS = {
    "rate": "rate_per_s", "duration": "duration_s", "segment": "segment_s", "warmup": "warmup_s",
    "drain_timeout": "drain_timeout_s",
}  # fmt: skip


def _given(context: typer.Context, options: SoakOptions) -> dict[str, Any]:
    """Return the options that stand on the command line, by field."""
    named = {
        _FIELDS.get(name, name)
        for name in context.params
        if (source := context.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"
    }
    return {name: value for name, value in asdict(options).items() if name in named}


def _run(options: SoakOptions, targets: Any, directory: Path, earlier: Result | None, *, clean: bool) -> Result:
    wanted = StackOptions(
        database=options.database,
        brokers=options.brokers or 1,
        sinks=options.sinks or 1,
        api_processes=options.api_processes or 1,
        kafka=options.path == "kafka",
    )
    asked = any(number is not None for number in (options.brokers, options.sinks, options.api_processes))
    sittings = 0 if earlier is None else max((segment.sitting for segment in earlier.segments), default=0)
    logs = f"sitting-{sittings + 1}" if sittings else ""
    with (
        experiment_place(
            wanted, "soak", directory, asked=asked, clean=clean, keep=earlier is not None, logs=logs
        ) as stack,
        SoakProgress(error_console()) as progress,
    ):
        return Soak(options, targets, stack, directory, earlier).run(
            progress, lambda result: write_files(result, directory)
        )


def _report(result: Result, directory: Path) -> None:
    try:
        write_reports(result, directory)
    except OSError as error:
        error_console().print(
            f"The report could not be written: {error.strerror}. `bin/seawall report` makes it later."
        )


def _lines(result: Result, directory: Path) -> Iterator[str]:
    yield from verdict_lines(result)
    yield from map(escape, result.reasons)
    records = sum(trial.audit.attempted for trial in result.trials)
    yield (
        f"{outcome_text(result)}: {len(result.trials)} segments, {records:,} records."
        f" Results: {os.path.relpath(directory)}"
    )
