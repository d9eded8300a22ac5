"""`stream cache`: the same orders without a cache and with it."""

from __future__ import annotations

from typing import Annotated

import typer

from seawall.cli.consoles import error_console
from seawall.cli.fleet_progress import FleetProgress
from seawall.cli.option_values import check_table_style, names, seconds, whole_numbers
from seawall.cli.scenario_run import Scenario
from seawall.cli.shared_options import (
    TARGETS_FILE,
    ApiProcesses,
    AsJson,
    Brokers,
    Clean,
    Database,
    DrainTimeout,
    Output,
    Seed,
    Sinks,
    TableStyle,
    TargetsFile,
)
from seawall.cli.targets_file import read_targets
from seawall.experiments.stream_cache import CacheRun
from seawall.experiments.stream_cache_options import ARMS, CacheOptions
from seawall.result.cache_fleet import CACHE

EXAMPLES = """[bold]Examples[/]

  bin/seawall stream cache                                 1,000 and 100,000 users, about eight minutes
  bin/seawall stream cache --rows 1000,100000,10000000     ten million as well: minutes more to fill the table
  bin/seawall stream cache --rate 200 --buyers 16          more orders, and so more statements to save
  bin/seawall stream cache --compress 10 --duration 10s    a refresh each 5 s and grades each minute
  bin/seawall stream cache --valkey-nodes 3 --rows 1000    a cluster of three, whose nodes die under load
  bin/seawall stream cache --arms database,warm --rows 1000 --json    the result for machines, on standard output

The arms: database (without the cache), warm (filled before the first order), cold (its loader starts with the first
order); with a cluster also one-away and two-away (warm, and one node dies in the middle, or two). The claims, how they
are measured, and what was found: docs/scenarios.md. `bin/seawall watch` shows fill, hit rate and age meanwhile.

Exit codes: 0 the question is answered and nothing is lost, 1 something was lost, doubled or left pending, or grades are
wrong, 2 wrong usage or set-up, 3 a trial was too short, 4 the instrument was late or a trial not as meant, 130
interrupted (what was measured is written)."""


def stream_cache(
    *,
    rows: Annotated[str, typer.Option(help="Users in the table, a part of the run each.", metavar="LIST")] = (
        "1000,100000"
    ),
    arms: Annotated[
        str,
        typer.Option(
            help=f"Trials of each: {', '.join(ARMS)}; the last two need a cluster.  \\[default: all that there can be]",
            metavar="LIST",
            show_default=False,
        ),
    ] = "",
    rate: Annotated[float, typer.Option(help="Orders a second.")] = 50.0,
    buyers: Annotated[int, typer.Option(help="Orders that can be under way at once.")] = 8,
    duration: Annotated[str, typer.Option(help="Judged time of each trial.", metavar="TIME")] = "60s",
    warmup: Annotated[str, typer.Option(help="Time before it that is not judged.", metavar="TIME")] = "2s",
    refresh: Annotated[str, typer.Option(help="How often each entry is read anew.", metavar="TIME")] = "50s",
    grades_every: Annotated[str, typer.Option(help="From one batch of grades to the next.", metavar="TIME")] = "10m",
    compress: Annotated[float, typer.Option(help="Refreshes and batches come so many times as often.")] = 1.0,
    valkey_nodes: Annotated[
        int | None, typer.Option(help="One Valkey, or a cluster of 3, of which nodes die.  \\[default: 1]")
    ] = None,
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
    """Make the same orders without a cache and with it: what does it save, how quick is it, how stale does it get?

    A trial for each number of rows and each arm, audited; on the stack that is up, or on one of its own.
    """
    options = CacheOptions(
        rows=whole_numbers("--rows", rows),
        arms=names(arms) if arms else (),
        rate_per_s=rate,
        buyers=buyers,
        duration_s=seconds("--duration", duration),
        warmup_s=seconds("--warmup", warmup),
        refresh_s=seconds("--refresh", refresh),
        grades_s=seconds("--grades-every", grades_every),
        compress=compress,
        valkey_nodes=1 if valkey_nodes is None else valkey_nodes,
        database=database,
        brokers=brokers,
        sinks=sinks,
        api_processes=api_processes,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout),
        seed=seed,
    )
    options.validate()
    judged_by = read_targets(targets)
    check_table_style(table_style)
    asked = any(number is not None for number in (valkey_nodes, brokers, sinks, api_processes))
    Scenario(
        name=CACHE,
        stack=options.stack(),
        asked=asked,
        clean=clean,
        output=output,
        table_style=table_style,
        as_json=as_json,
        counted=lambda result: f"{len(result.fleet.trials) if result.fleet else 0} trials",
    ).carry_out(
        FleetProgress(error_console()), lambda stack, directory: CacheRun(options, judged_by, stack, directory).run
    )
