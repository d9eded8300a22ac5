"""`fault`: what goes wrong while a load runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from seawall.cli.consoles import error_console, output_console
from seawall.cli.ending import leave, outcome_text, show, write_files
from seawall.cli.experiment_place import OwnStacks
from seawall.cli.fault_progress import FaultProgress
from seawall.cli.interruption import interruptible
from seawall.cli.option_values import check_table_style, names, seconds
from seawall.cli.results_directory import free_directory
from seawall.cli.running_stack import refuse_running_stack
from seawall.cli.shared_options import (
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
    Sinks,
    TableStyle,
    Users,
)
from seawall.experiments.arms import PATHS
from seawall.experiments.fault import FaultRun, obstacles
from seawall.experiments.fault_options import (
    CHAOS_DURATION_S,
    CHAOS_HOLD_S,
    DURATION_S,
    HOLD_S,
    UPGRADE_DURATION_S,
    WARMUP_S,
    FaultOptions,
    options_of,
    sort_out,
    still_told,
)
from seawall.report.fault_tables import fault_tables
from seawall.report.files import write_reports
from seawall.report.stored import stored_result
from seawall.report.table_styles import styled_table
from seawall.result import Result
from seawall.stack.faults.catalogue import CATALOGUE, NEED_SMALL_DISKS
from seawall.stack.limits import Limits
from seawall.stack.small_disk import SIZE_MB, why_not

EXAMPLES = """[bold]Examples[/]

  bin/seawall fault --list                            what can go wrong
  bin/seawall fault                                   each fault once: about twenty minutes
  bin/seawall fault --faults kill-postgres,cut-api-kafka --hold 5s
  bin/seawall fault --path sync --faults pause-postgres
  bin/seawall fault --database mariadb --faults kill-mariadb,lock-tables
  bin/seawall fault --brokers 3 --faults kill-controller --repeats 5
  bin/seawall fault --faults upgrade-sinks,upgrade-api --sinks 3 --api-processes 2
  bin/seawall fault --faults blue-green,canary --path grouped
  bin/seawall fault --chaos 200                       so many random ones, a quarter of a minute each
  bin/seawall fault --chaos 1 --seed 57               the one of seed 57 again
  bin/seawall fault --resume results/20261121T110000Z-fault    go on after Ctrl-C or a reboot
  bin/seawall fault --chaos 60 --duration 57s --rate 2000    an hour with a fault a minute, and memory

A load runs, something goes wrong for a while, and the load goes on. A request is bad that fails, is answered after
200 ms, or whose record takes more than 1 s to become visible. Nothing that was acknowledged may be lost or doubled;
requests whose path does not need what was touched may not fail; and in time all has to be as before. The stack is one
of its own, with links between services that can be cut; where a full disk is asked for, by name and as root, data lie
on small ones in memory. Rolling upgrades, a blue-green and a canary switch need HAProxy and are made by name, too: no
request may fail. A fault that did not bite says nothing. Lookups beside the load have to go on, too. Where a
trial ends soon after its fault, as in chaos, nobody asks when all was as before (docs/reliability.md).

Exit codes: 0 every fault was borne, 1 something was lost, doubled or stored although refused, did not recover, or
memory rises, 2 wrong usage or set-up, 3 not
proven, 4 a fault did not bite, 130 interrupted (everything is put back, what was measured is written)."""


def fault(
    *,
    listed: Annotated[bool, typer.Option("--list", help="Name all faults, and make none.")] = False,
    faults: Annotated[
        str,
        typer.Option(
            help="Which faults; see --list.  \\[default: all that can be made]", metavar="LIST", show_default=False
        ),
    ] = "",
    chaos: Annotated[int, typer.Option(help="So many random ones, short, in place of each once.")] = 0,
    path: OnePath = "kafka",
    rate: Rate = 1_000.0,
    users: Users = 200,
    duration: Annotated[
        str,
        typer.Option(
            help=f"Judged time of a trial.  \\[default: {DURATION_S:g}s, of upgrades {UPGRADE_DURATION_S:g}s, in chaos"
            f" {CHAOS_DURATION_S:g}s]",
            metavar="TIME",
            show_default=False,
        ),
    ] = "",
    warmup: Annotated[
        str,
        typer.Option(
            help=f"Time before it that is not judged.  \\[default: {WARMUP_S[1]:g}s, three brokers {WARMUP_S[3]:g}s]",
            metavar="TIME",
            show_default=False,
        ),
    ] = "",
    hold: Annotated[
        str,
        typer.Option(
            help=f"How long a fault is held, in chaos at most.  \\[default: {HOLD_S:g}s, in chaos {CHAOS_HOLD_S:g}s]",
            metavar="TIME",
            show_default=False,
        ),
    ] = "",
    repeats: Annotated[int, typer.Option(help="How often each fault is made.")] = 1,
    entity: Entity = "mixed",
    database: Database = "",
    brokers: Brokers = None,
    sinks: Sinks = None,
    api_processes: ApiProcesses = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Go on with the run in this directory, INVALID faults anew; --chaos makes it longer, no other option."
        ),
    ] = None,
    clean: Clean = False,
    seed: Annotated[int, typer.Option(help="Seed of contents, moments and choices.")] = 1,
    drain_timeout: DrainTimeout = "60s",
    output: Output = None,
    table_style: TableStyle = "rounded",
    as_json: AsJson = False,
) -> None:
    """Make things go wrong while a load runs, and see whether anything is lost, and whether all comes back."""
    check_table_style(table_style)
    if listed:
        _list(table_style)
        return
    options = FaultOptions(
        faults=names(faults),
        path=path,
        rate_per_s=rate,
        users=users,
        duration_s=seconds("--duration", duration) if duration else None,
        warmup_s=seconds("--warmup", warmup) if warmup else None,
        hold_s=seconds("--hold", hold) if hold else None,
        repeats=repeats,
        chaos=chaos,
        entity=entity,
        database=database,
        brokers=1 if brokers is None else brokers,
        sinks=1 if sinks is None else sinks,
        api_processes=1 if api_processes is None else api_processes,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout),
        seed=seed,
    )
    earlier = None
    if resume is not None:
        if output is not None or clean:
            raise typer.BadParameter("leave --output and --clean out: a run goes on where it is", param_hint="--resume")
        earlier = stored_result(resume)
        options = options_of(earlier, chaos=chaos)
    options.validate(CATALOGUE, Limits.read())
    refuse_running_stack("faults need a stack of their own", "use another SEAWALL_HOME")
    disk_mb = SIZE_MB if NEED_SMALL_DISKS & set(options.faults) and not why_not() else 0
    wanted = options.stack_options(disk_mb)
    with interruptible():
        directory = resume or free_directory(output, "fault")
        part = "" if earlier is None else f"from-{1 + len(dict(still_told(earlier)))}"
        with OwnStacks("fault", directory, clean=clean)(wanted, part) as stack:
            possible, left_out = sort_out(options.faults, obstacles(stack.state, options.faults))
            for name, why in left_out.items():
                error_console().print(f"{name} is left out: {escape(why)}")
            with FaultProgress(error_console()) as progress:
                run = FaultRun(options, stack, directory, options.plans(possible), left_out, earlier)
                result = run.run(progress, lambda result: write_files(result, directory))
    write_reports(result, directory)
    show(directory, fault_tables(result, table_style), _lines(result, directory), as_json=as_json)
    leave(result)


def _list(style: str) -> None:
    table = styled_table("Faults", style)
    for name in ("fault", "what happens", "may fail meanwhile", "as before within"):
        table.add_column(name)
    for one in CATALOGUE.values():
        touched = ", ".join(path for path in PATHS if path in one.touches) or "nothing"
        table.add_row(one.name, one.does, touched, f"{one.heals_within_s:g} s")
    output_console().print(table)


def _lines(result: Result, directory: Path) -> Iterator[str]:
    yield from map(escape, result.reasons)
    yield f"{outcome_text(result)}: {len(result.faults)} faults. Results: {os.path.relpath(directory)}"
