"""`attain`: the targets through rising stages of load."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from seawall.cli.attain_progress import AttainProgress
from seawall.cli.consoles import error_console
from seawall.cli.ending import leave, outcome_text, show, write_files
from seawall.cli.experiment_place import experiment_place
from seawall.cli.interruption import interruptible
from seawall.cli.kafka_settings_file import kafka_settings
from seawall.cli.option_values import check_table_style, names, rates, seconds, share, weights
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
    Profile,
    Seed,
    SettingsFile,
    Sinks,
    TableStyle,
    TargetsFile,
    Warmup,
)
from seawall.cli.targets_file import read_targets
from seawall.experiments.arms import PATHS
from seawall.experiments.attain import Attainment
from seawall.experiments.attain_options import MIXES, SHOP, STAGES_PER_S, AttainOptions
from seawall.report.attain_tables import attain_tables, bottleneck_lines
from seawall.report.files import write_reports
from seawall.result import Result
from seawall.stack.limits import Limits
from seawall.stack.options import StackOptions

EXAMPLES = """[bold]Examples[/]

  bin/seawall attain                                   every path through four stages: about seven minutes each
  bin/seawall attain --path kafka
  bin/seawall attain --path kafka --mix shop           lookups and analytics besides, arrivals at random
  bin/seawall attain --path kafka --mix shop --weights write=50,cached=50 --new-connections 5% --tls 20%
  bin/seawall attain --path kafka --mix shop --http-cache    with nginx in front of the API
  bin/seawall attain --path kafka --profile throughput       with Kafka's settings of profiles/throughput.toml
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
    paths: Paths = "",
    stages: Annotated[
        str, typer.Option(help="Upper ends of the stages, requests a second, rising.", metavar="LIST")
    ] = DEFAULT_STAGES,
    users: Annotated[
        int, typer.Option(help="Users; fewer where one would send less than once in 10 s or the judged time.")
    ] = 10_000,
    duration: Annotated[str, typer.Option(help="Judged time of a trial.", metavar="TIME")] = "30s",
    warmup: Warmup = "5s",
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
    entity: Entity = "mixed",
    settings: SettingsFile = None,
    profile: Profile = "",
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
    wanted = StackOptions(
        database=database,
        brokers=brokers or 1,
        sinks=sinks or 1,
        api_processes=api_processes or 1,
        kafka="kafka" in options.paths,
        http_cache=http_cache,
        tls=options.tls > 0,
        settings=kafka_settings(settings, brokers or 1, profile),
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
                progress, lambda result: write_files(result, directory)
            )
    write_reports(result, directory)
    show(directory, attain_tables(result, table_style), _lines(result, directory), as_json=as_json)
    leave(result)


def _say_fewer_users(options: AttainOptions) -> None:
    for stage in options.stages():
        fewer = options.users_of(stage.load_per_s)
        if fewer < options.users:
            error_console().print(
                f"{stage.name}/s: {fewer:,} users and not {options.users:,}, so that each sends in the judged time,"
                " and at least once in 10 s."
            )


def _lines(result: Result, directory: Path) -> Iterator[str]:
    yield from bottleneck_lines(result)
    yield from map(escape, result.reasons)
    ran = sum(stage.outcome is not None for stage in result.stages)
    yield (
        f"{outcome_text(result)}: {ran} of {len(result.stages)} stages run, {len(result.trials)} trials."
        f" Results: {os.path.relpath(directory)}"
    )
