"""`stream live`: a feed of accepted records to thousands of subscribers."""

from __future__ import annotations

from typing import Annotated

import typer

from seawall.cli.consoles import error_console
from seawall.cli.live_progress import LiveProgress
from seawall.cli.option_values import check_table_style, names, seconds, share
from seawall.cli.running_stack import refuse_running_stack
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
    Warmup,
)
from seawall.cli.targets_file import read_targets
from seawall.experiments.stream_live import LiveRun
from seawall.experiments.stream_live_options import LiveOptions
from seawall.result.live import LIVE
from seawall.stack.limits import Limits
from seawall.stack.options import FEED_SOURCES

EXAMPLES = """[bold]Examples[/]

  bin/seawall stream live                                  2,000 subscribers, 1,000 records a second
  bin/seawall stream live --subscribers 200 --rate 100     where a machine has little room
  bin/seawall stream live --sources log --duration 60s     the log's feed alone, for a minute
  bin/seawall stream live --whole 20 --silent 5            more who follow everything, and who never read
  bin/seawall stream live --poll 200ms --json              who asks the database does so more often
  bin/seawall stream live --database mariadb --sources log     the log's feed, with MariaDB behind it

Each subscriber follows one buyer's orders, by WebSocket or as server-sent events; --whole further ones follow all
orders, --silent ones follow all and never read, and a share leaves once and comes back with the last id. The feed that
asks the database has each subscriber run its own query again and again; its records are written by the path `grouped`,
those of the log's feed by `kafka`. What each figure means, and what comes out: docs/scenarios.md.

Exit codes: 0 all arrived once and in order, and by the log in time, 1 something was lost, missing or doubled, or the
log's feed was late, 2 wrong usage or set-up, 3 not proven, 4 the instrument was late, 130 interrupted (what was
measured is written)."""


def stream_live(
    *,
    sources: Annotated[
        str,
        typer.Option(
            help=f"Where feeds have records from: {', '.join(FEED_SOURCES)}.  \\[default: both]",
            metavar="LIST",
            show_default=False,
        ),
    ] = "",
    subscribers: Annotated[int, typer.Option(help="Subscribers that follow one buyer's orders each.")] = 2_000,
    rate: Annotated[float, typer.Option(help="Records a second, of all writers together.")] = 1_000.0,
    duration: Annotated[str, typer.Option(help="Judged time.", metavar="TIME")] = "20s",
    warmup: Warmup = "15s",
    whole: Annotated[int, typer.Option(help="Further subscribers that follow all orders.")] = 4,
    silent: Annotated[int, typer.Option(help="Further subscribers that follow all orders and never read.")] = 2,
    sse: Annotated[str, typer.Option(help="Share that takes server-sent events.", metavar="SHARE")] = "20%",
    returning: Annotated[str, typer.Option(help="Share that leaves once and comes back.", metavar="SHARE")] = "5%",
    poll: Annotated[
        str, typer.Option(help="Pause between two queries of a subscriber, without the log.", metavar="TIME")
    ] = "500ms",
    writers: Annotated[int, typer.Option(help="Users that write.")] = 200,
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
    """Feed subscribers with accepted records: by the log, and by asking the database again and again.

    A trial a source on fresh state, audited to each subscriber, on a stack of its own.
    """
    options = LiveOptions(
        sources=names(sources) or FEED_SOURCES,
        rate_per_s=rate,
        subscribers=subscribers,
        whole=whole,
        silent=silent,
        sse=share("--sse", sse),
        returning=share("--returning", returning),
        duration_s=seconds("--duration", duration),
        warmup_s=seconds("--warmup", warmup),
        poll_ms=seconds("--poll", poll) * 1e3,
        writers=writers,
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
    refuse_running_stack("this scenario needs one with feeds of its own", "wait until it is no longer needed")
    Scenario(
        name=LIVE,
        stack=options.stack(),
        clean=clean,
        output=output,
        table_style=table_style,
        as_json=as_json,
        counted=lambda result: f"{len(result.live)} feeds",
    ).carry_out(
        LiveProgress(error_console()), lambda stack, directory: LiveRun(options, judged_by, stack, directory).run
    )
