"""`stream ingest`: many times the rate that can be sustained, for seconds."""

from __future__ import annotations

from typing import Annotated

import typer

from seawall.cli.burst_progress import BurstProgress
from seawall.cli.consoles import error_console
from seawall.cli.option_values import check_table_style, names, seconds
from seawall.cli.scenario_run import Scenario
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
from seawall.report.burst_tables import burst_tables
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
    Scenario(
        name=INGEST,
        stack=options.stack(),
        asked=asked,
        clean=clean,
        output=output,
        table_style=table_style,
        as_json=as_json,
        counted=lambda result: f"{len(result.bursts)} bursts",
        tables=burst_tables,
    ).carry_out(
        BurstProgress(error_console()), lambda stack, directory: IngestRun(options, judged_by, stack, directory).run
    )
