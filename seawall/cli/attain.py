"""`attain`: the targets through rising stages of load."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from seawall.cli.attain_progress import AttainProgress
from seawall.cli.consoles import error_console, output_console
from seawall.cli.exits import Exit, exit_of
from seawall.cli.experiment_place import experiment_place
from seawall.cli.interruption import interruptible
from seawall.cli.option_values import check_table_style, names, rates, seconds, share, weights
from seawall.cli.results_directory import free_directory
from seawall.cli.targets_file import read_targets
from seawall.experiments.arms import PATHS
from seawall.experiments.attain import Attainment
from seawall.experiments.attain_options import MIXES, SHOP, STAGES_PER_S, AttainOptions
from seawall.report.attain_tables import attain_tables, bottleneck_lines
from seawall.report.files import write_reports
from seawall.report.summary_csv import write_summary
from seawall.report.table_styles import TABLE_STYLES
from seawall.report.verdicts import COLORS
from seawall.result import Outcome, Result, write_result
from seawall.stack.limits import Limits
from seawall.stack.options import StackOptions
from seawall.stack.places import ROOT

EXAMPLES = """[bold]Examples[/]

  bin/seawall attain                                   every path through four stages: about seven minutes each
  bin/seawall attain --path kafka
  bin/seawall attain --path kafka --mix shop           lookups and analytics besides, arrivals at random
  bin/seawall attain --path kafka --mix shop --weights write=50,cached=50 --new-connections 5% --tls 20%
  bin/seawall attain --path kafka --mix shop --http-cache    with nginx in front of the API
  bin/seawall attain --path sync --stages 500,1000 --users 2000 --repeats 3
  bin/seawall attain --path kafka --sinks 2 --json     the result for machines, on standard output

A stage is a range of load, run at its upper end (1 % above, so that what becomes visible can reach it); the last one,
above 10,000 requests a second, at 12,000. Each repeat is on fresh state and audited. Judged are the targets of the set
`always` and those of `attain`, writes a second only where the stage was to reach them. A stage whose trials leave a
target open is run up to twice as often. After a second stage that fails,
a path's remaining stages are not run. Where a stage does not pass, the process at its limit is named.

Exit codes: 0 every stage passed, 1 a target was missed or something was lost, 2 wrong usage or set-up, 3 an interval
straddles its limit (more --repeats could tell), 4 a stage says nothing about the service, such as a load that the
generator cannot offer, 130 interrupted (what was measured is written)."""

DEFAULT_STAGES = ",".join(f"{load:.0f}" for load in STAGES_PER_S)
DEFAULT_WEIGHTS = ",".join(f"{name}={weight:g}" for name, weight in SHOP.items())


def attain(
    *,
    paths: Annotated[
        str,
        typer.Option(
            "--paths",
            "--path",
            help=f"Write paths: {', '.join(PATHS)}.  \\[default: all]",
            metavar="LIST",
            show_default=False,
        ),
    ] = "",
    stages: Annotated[
        str, typer.Option(help="Upper ends of the stages, requests a second, rising.", metavar="LIST")
    ] = DEFAULT_STAGES,
    users: Annotated[
        int, typer.Option(help="Users; fewer where one would send less than once in 10 s or the judged time.")
    ] = 10_000,
    duration: Annotated[str, typer.Option(help="Judged time of a trial.", metavar="TIME")] = "30s",
    warmup: Annotated[str, typer.Option(help="Time before it that is not judged.", metavar="TIME")] = "5s",
    repeats: Annotated[int, typer.Option(help="Trials a stage; up to twice as many where they leave it open.")] = 2,
    mix: Annotated[str, typer.Option(help=f"What users do: {', '.join(MIXES)}.")] = "writes",
    weighted: Annotated[
        str, typer.Option("--weights", help="How often a user of the shop does what.", metavar="LIST")
    ] = DEFAULT_WEIGHTS,
    new_connections: Annotated[
        str, typer.Option(help="Share of users who open a connection for each request.", metavar="SHARE")
    ] = "0%",
    tls: Annotated[str, typer.Option(help="Share of users who use TLS.", metavar="SHARE")] = "0%",
    http_cache: Annotated[
        bool, typer.Option("--http-cache", help="An HTTP cache in front of the API: nginx, where it is installed.")
    ] = False,
    entity: Annotated[str, typer.Option(help="Records: an entity, or mixed.")] = "mixed",
    brokers: Annotated[
        int | None, typer.Option(help="Kafka brokers: 1 or 3.  \\[default: 1]", show_default=False)
    ] = None,
    sinks: Annotated[int | None, typer.Option(help="Sink workers.  \\[default: 1]", show_default=False)] = None,
    api_processes: Annotated[
        int | None, typer.Option(help="API processes that share one port.  \\[default: 1]", show_default=False)
    ] = None,
    clean: Annotated[bool, typer.Option("--clean", help="Remove rows of earlier runs without asking.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of contents and of the users' phases.")] = 1,
    drain_timeout: Annotated[str, typer.Option(help="How long the log may take to drain.", metavar="TIME")] = "60s",
    targets: Annotated[Path, typer.Option(help="File of targets.", show_default="targets.toml")] = ROOT
    / "targets.toml",
    output: Annotated[Path | None, typer.Option(help="Directory of the results.", show_default=False)] = None,
    table_style: Annotated[str, typer.Option(help=f"Look of the tables: {', '.join(TABLE_STYLES)}.")] = "rounded",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON instead of tables.")] = False,
) -> None:
    """Hold the targets through rising stages of load, by each write path."""
    options = AttainOptions(
        paths=names(paths) or PATHS,
        stages_per_s=rates("--stages", stages),
        users=users,
        duration_s=seconds("--duration", duration),
        warmup_s=seconds("--warmup", warmup),
        repeats=repeats,
        mix=mix,
        weights=weights("--weights", weighted),
        new_connections=share("--new-connections", new_connections),
        tls=share("--tls", tls),
        entity=entity,
        brokers=brokers,
        sinks=sinks,
        api_processes=api_processes,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout),
        seed=seed,
    )
    options.validate(Limits.read())
    judged_by = read_targets(targets)
    check_table_style(table_style)
    wanted = StackOptions(
        brokers=brokers or 1,
        sinks=sinks or 1,
        api_processes=api_processes or 1,
        kafka="kafka" in options.paths,
        http_cache=http_cache,
        tls=options.tls > 0,
    )
    asked = any(number is not None for number in (brokers, sinks, api_processes))
    with interruptible():
        directory = free_directory(output, "attain")
        with (
            experiment_place(wanted, "attain", directory, asked=asked, clean=clean) as stack,
            AttainProgress(error_console()) as progress,
        ):
            _say_fewer_users(options)
            result = Attainment(options, judged_by, stack, directory).run(
                progress, lambda result: _write(result, directory)
            )
    write_reports(result, directory)
    _show(result, directory, table_style, as_json=as_json)
    if result.outcome is Outcome.FAIL:
        raise typer.Exit(Exit.FAIL)
    raise typer.Exit(Exit.INTERRUPTED if result.interrupted else exit_of(result.outcome))


def _say_fewer_users(options: AttainOptions) -> None:
    for stage in options.stages():
        fewer = options.users_of(stage.load_per_s)
        if fewer < options.users:
            error_console().print(
                f"{stage.name}/s: {fewer:,} users and not {options.users:,}, so that each sends in the judged time,"
                " and at least once in 10 s."
            )


def _write(result: Result, directory: Path) -> None:
    write_result(result, directory / "result.json")
    write_summary(result, directory / "summary.csv")


def _show(result: Result, directory: Path, style: str, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write((directory / "result.json").read_text(encoding="utf-8"))
        return
    console = output_console()
    for table in attain_tables(result, style):
        console.print(table)
        console.print()
    for line in bottleneck_lines(result):
        console.print(line)
    for reason in result.reasons:
        console.print(reason)
    ran = sum(stage.outcome is not None for stage in result.stages)
    console.print(
        f"[{COLORS[result.outcome]}]{result.outcome.value}[/]: {ran} of {len(result.stages)} stages run,"
        f" {len(result.trials)} trials. Results: {os.path.relpath(directory)}"
    )
