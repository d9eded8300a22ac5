"""`soak`: one load for a long time."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from seawall.cli.consoles import error_console, output_console
from seawall.cli.exits import Exit, exit_of
from seawall.cli.experiment_place import experiment_place
from seawall.cli.interruption import interruptible
from seawall.cli.option_values import check_table_style, seconds
from seawall.cli.results_directory import free_directory
from seawall.cli.soak_progress import SoakProgress
from seawall.cli.targets_file import read_targets
from seawall.experiments.arms import PATHS
from seawall.experiments.soak import Soak
from seawall.experiments.soak_options import SoakOptions, options_of
from seawall.report.files import write_reports
from seawall.report.soak_tables import soak_tables
from seawall.report.stored import stored_result
from seawall.report.summary_csv import write_summary
from seawall.report.table_styles import TABLE_STYLES
from seawall.report.verdicts import COLORS, verdict_lines
from seawall.result import Outcome, Result, write_result
from seawall.stack.limits import Limits
from seawall.stack.options import StackOptions
from seawall.stack.places import ROOT

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
    path: Annotated[str, typer.Option(help=f"Write path: {', '.join(PATHS)}.")] = "kafka",
    rate: Annotated[float, typer.Option(help="Requests a second, of all users together.")] = 2_000.0,
    users: Annotated[int, typer.Option(help="Users that share the load.")] = 1_000,
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
    entity: Annotated[str, typer.Option(help="Records: an entity, or mixed.")] = "mixed",
    keep_raw: Annotated[
        bool, typer.Option("--keep-raw", help="Keep the requests of all segments, not only of those that failed.")
    ] = False,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the soak in this directory.", show_default=False)
    ] = None,
    brokers: Annotated[
        int | None, typer.Option(help="Kafka brokers: 1 or 3.  \\[default: 1]", show_default=False)
    ] = None,
    sinks: Annotated[int | None, typer.Option(help="Sink workers.  \\[default: 1]", show_default=False)] = None,
    api_processes: Annotated[
        int | None, typer.Option(help="API processes that share one port.  \\[default: 1]", show_default=False)
    ] = None,
    clean: Annotated[bool, typer.Option("--clean", help="Remove rows of earlier runs without asking.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of contents and of the users' phases.")] = 1,
    drain_timeout: Annotated[str, typer.Option(help="How long the log may take to drain.", metavar="TIME")] = "20s",
    targets: Annotated[Path, typer.Option(help="File of targets.", show_default="targets.toml")] = ROOT
    / "targets.toml",
    output: Annotated[Path | None, typer.Option(help="Directory of the results.", show_default=False)] = None,
    table_style: Annotated[str, typer.Option(help=f"Look of the tables: {', '.join(TABLE_STYLES)}.")] = "rounded",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON instead of tables.")] = False,
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
    _show(result, directory, table_style, as_json=as_json)
    if result.outcome is Outcome.FAIL:
        raise typer.Exit(Exit.FAIL)
    raise typer.Exit(Exit.INTERRUPTED if result.interrupted else exit_of(result.outcome))


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
        return Soak(options, targets, stack, directory, earlier).run(progress, lambda result: _write(result, directory))


def _write(result: Result, directory: Path) -> None:
    write_result(result, directory / "result.json")
    write_summary(result, directory / "summary.csv")


def _report(result: Result, directory: Path) -> None:
    try:
        write_reports(result, directory)
    except OSError as error:
        error_console().print(
            f"The report could not be written: {error.strerror}. `bin/seawall report` makes it later."
        )


def _show(result: Result, directory: Path, style: str, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write((directory / "result.json").read_text(encoding="utf-8"))
        return
    console = output_console()
    for table in soak_tables(result, style):
        console.print(table)
        console.print()
    for line in verdict_lines(result):
        console.print(line)
    for reason in result.reasons:
        console.print(reason, markup=False)
    records = sum(trial.audit.attempted for trial in result.trials)
    console.print(
        f"[{COLORS[result.outcome]}]{result.outcome.value}[/]: {len(result.trials)} segments, {records:,} records."
        f" Results: {os.path.relpath(directory)}"
    )
