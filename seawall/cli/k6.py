"""`k6`: the same load by k6, judged as Locust's is, alone or beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from seawall.cli.consoles import error_console, output_console
from seawall.cli.ending import leave, outcome_text, show, write_files
from seawall.cli.experiment_place import experiment_place
from seawall.cli.interruption import interruptible
from seawall.cli.k6_progress import K6Progress
from seawall.cli.option_values import check_table_style, seconds
from seawall.cli.recorded import recorded_lines
from seawall.cli.results_directory import free_directory, make_directory
from seawall.cli.shared_options import (
    TARGETS_FILE,
    ApiProcesses,
    AsJson,
    Brokers,
    Clean,
    Database,
    Entity,
    OnePath,
    Output,
    Rate,
    Seed,
    Sinks,
    TableStyle,
    TargetsFile,
    Warmup,
)
from seawall.cli.targets_file import read_targets
from seawall.experiments.k6 import K6Experiment, thresholds_of
from seawall.experiments.k6_beside import BesideLocust
from seawall.experiments.k6_options import SCENARIOS, K6Options
from seawall.experiments.k6_process import SCRIPT, write_for_plain_runs
from seawall.report.files import write_reports
from seawall.report.k6_tables import k6_tables
from seawall.report.verdicts import verdict_lines
from seawall.result import Result
from seawall.stack.errors import NotRunning
from seawall.stack.k6_binary import VERSION, K6Program, build_k6, find_k6
from seawall.stack.limits import Limits
from seawall.stack.options import StackOptions
from seawall.stack.state import read_state
from seawall.targets.target import Targets

EXAMPLES = """[bold]Examples[/]

  bin/seawall k6 ingest                                 writes through Kafka, 500 a second for half a minute
  bin/seawall k6 ingest --path sync --rate 1000 --users 400
  bin/seawall k6 ingest --scenario mix                  lookups besides
  bin/seawall k6 ingest --beside-locust                 the same load by k6 and by Locust in turns: do they agree?
  bin/seawall k6 ingest --beside-locust --duration 10s --path sync
  bin/seawall k6 ingest --prepare there                 what a plain `k6 run` needs, beside the stack that is up
  bin/seawall k6 ingest --json                          the result for machines, on standard output
  bin/seawall k6 --build                                build k6 now, and not when it is needed first

k6 is that of the PATH, else one that is built once by Go. Every request comes back with its id, so each record is
followed to its row; response times count from when k6 meant to send, and what it dropped counts as not sent in time.
k6's own thresholds are made from the targets and shown; they do not decide (docs/k6.md).

Exit codes: 0 the targets hold (beside Locust: both agree), 1 one is missed, or records are not where they should be
(both do not agree), 2 wrong usage or set-up, 3 an interval leaves it open, 4 the run says nothing about the service,
130 interrupted (what was measured is written)."""


def k6(
    *,
    script: Annotated[
        str | None, typer.Argument(metavar="[ingest]", help="The script: ingest, of k6/ingest.js.", show_default=False)
    ] = None,
    build: Annotated[bool, typer.Option("--build", help="Build k6 by Go, if it is not there, and end.")] = False,
    prepare: Annotated[
        Path | None,
        typer.Option(help="Write there what a plain k6 run needs, and run nothing.", show_default=False),
    ] = None,
    beside_locust: Annotated[
        bool, typer.Option("--beside-locust", help="The same load by Locust, too, in turns.")
    ] = False,
    blocks: Annotated[int, typer.Option(help="Beside Locust: blocks; each runs both twice, there and back.")] = 2,
    scenario: Annotated[str, typer.Option(help=f"What users do: {', '.join(SCENARIOS)}.")] = "writes",
    path: OnePath = "kafka",
    entity: Entity = "mixed",
    rate: Rate = 500.0,
    users: Annotated[int, typer.Option(help="Users that share the load, each k6's VU.")] = 200,
    duration: Annotated[str, typer.Option(help="Judged time of a trial.", metavar="TIME")] = "30s",
    warmup: Warmup = "5s",
    attain: Annotated[bool, typer.Option("--attain", help="Judge the targets of the set `attain` too.")] = False,
    database: Database = "",
    brokers: Brokers = None,
    sinks: Sinks = None,
    api_processes: ApiProcesses = None,
    clean: Clean = False,
    seed: Seed = 1,
    targets: TargetsFile = TARGETS_FILE,
    output: Output = None,
    table_style: TableStyle = "rounded",
    as_json: AsJson = False,
) -> None:
    """Load the service by k6 in place of Locust, and judge it alike: same records, targets, definitions and audit."""
    if build:
        found = _k6()
        output_console().print(f"k6 {found.version}: {found.program}", soft_wrap=True, markup=False)
        return
    if script != "ingest":
        what = "name the script: ingest" if script is None else f"unknown {script!r}: the script is ingest"
        raise typer.BadParameter(what, param_hint="[ingest]")
    options = K6Options(
        scenario=scenario,
        path=path,
        entity=entity,
        rate_per_s=rate,
        users=users,
        duration_s=seconds("--duration", duration),
        warmup_s=seconds("--warmup", warmup),
        beside_locust=beside_locust,
        blocks=blocks,
        database=database,
        brokers=brokers,
        sinks=sinks,
        api_processes=api_processes,
        attain=attain,
        seed=seed,
    )
    options.validate(Limits.read())
    judged_by = read_targets(targets)
    check_table_style(table_style)
    if prepare is not None:
        _prepare(options, judged_by, prepare)
        return
    program = _k6()
    wanted = StackOptions(
        database=database,
        brokers=brokers or 1,
        sinks=sinks or 1,
        api_processes=api_processes or 1,
        kafka=options.needs_kafka,
    )
    asked = any(number is not None for number in (brokers, sinks, api_processes))
    with interruptible():
        directory = free_directory(output, "k6")
        with (
            experiment_place(wanted, "k6", directory, asked=asked, clean=clean) as stack,
            K6Progress(error_console(), options.warmup_s + options.duration_s) as progress,
        ):
            if beside_locust:
                result = BesideLocust(options, judged_by, program, stack, directory).run(
                    progress, lambda result: write_files(result, directory)
                )
            else:
                progress.trial_starts(f"k6 {program.version}", 1, 1)
                result = K6Experiment(options, judged_by, program, stack, directory).run(progress.trial_goes_on)
                write_files(result, directory)
    write_reports(result, directory)
    show(directory, k6_tables(result, table_style), _lines(result, directory), as_json=as_json)
    leave(result)


def _k6() -> K6Program:
    """Return the k6 to be used, built if need be; raises `NoK6` where there is none and none can be built."""
    found = find_k6()
    if found is not None:
        return found
    with error_console().status(f"Building k6 v{VERSION} by Go"):
        error_console().print(f"No k6 is on the PATH: building v{VERSION} by Go, once; that takes some minutes.")
        return build_k6()


def _prepare(options: K6Options, targets: Targets, directory: Path) -> None:
    """Write what a plain run needs and say how to start it; raises `NotRunning` where no stack is up to be loaded."""
    state = read_state()
    if state is None:
        raise NotRunning("no stack is up that a plain k6 could load: start one by `bin/seawall up`")
    make_directory(directory)
    variables = write_for_plain_runs(
        directory, options.load(state.partitions), state.api_url, thresholds_of(options, targets)
    )
    output_console().print(
        f"(set -a; . {os.path.relpath(variables)}; k6 run {os.path.relpath(SCRIPT)})", soft_wrap=True, markup=False
    )


def _lines(result: Result, directory: Path) -> Iterator[str]:
    if result.comparisons or len(result.arms) > 1:
        yield from verdict_lines(result)
        yield from map(escape, result.reasons)
    else:
        yield from recorded_lines(result)
    yield f"{outcome_text(result)}: {len(result.trials)} trials. Results: {os.path.relpath(directory)}"
