"""`fault`: what goes wrong while a load runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from seawall.cli.consoles import error_console, output_console
from seawall.cli.exits import Exit, exit_of
from seawall.cli.experiment_place import OwnStacks
from seawall.cli.fault_progress import FaultProgress
from seawall.cli.interruption import interruptible
from seawall.cli.option_values import check_table_style, names, seconds
from seawall.cli.results_directory import free_directory
from seawall.cli.running_stack import refuse_running_stack
from seawall.experiments.arms import PATHS
from seawall.experiments.fault import FaultRun, obstacles
from seawall.experiments.fault_options import CHAOS_DURATION_S, FaultOptions, sort_out
from seawall.report.fault_tables import fault_tables
from seawall.report.files import write_reports
from seawall.report.summary_csv import write_summary
from seawall.report.table_styles import TABLE_STYLES, styled_table
from seawall.report.verdicts import COLORS
from seawall.result import Outcome, Result, write_result
from seawall.stack.faults.catalogue import CATALOGUE, NEED_SMALL_DISKS
from seawall.stack.limits import Limits
from seawall.stack.options import StackOptions
from seawall.stack.small_disk import SIZE_MB, why_not

EXAMPLES = """[bold]Examples[/]

  bin/seawall fault --list                            what can go wrong
  bin/seawall fault                                   each fault once: about twenty minutes
  bin/seawall fault --faults kill-postgres,cut-api-kafka --hold 5s
  bin/seawall fault --path sync --faults pause-postgres
  bin/seawall fault --brokers 3 --faults kill-controller --repeats 5
  bin/seawall fault --chaos 200                       so many random ones, a quarter of a minute each
  bin/seawall fault --chaos 1 --seed 57               the one of seed 57 again

A load runs, something goes wrong for a while, and the load goes on. A request is bad that fails, is answered after
200 ms, or whose record takes more than 1 s to become visible. Nothing that was acknowledged may be lost or doubled;
requests whose path does not need what was touched may not fail; and in time all has to be as before. The stack is one
of its own, with links between services that can be cut; where a full disk is asked for, by name and as root, data lie
on small ones in memory. A fault that did not bite says nothing (docs/reliability.md).

Exit codes: 0 every fault was borne, 1 something was lost or doubled, or did not recover, 2 wrong usage or set-up, 3 not
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
    path: Annotated[str, typer.Option(help=f"Write path: {', '.join(PATHS)}.")] = "kafka",
    rate: Annotated[float, typer.Option(help="Requests a second, of all users together.")] = 1_000.0,
    users: Annotated[int, typer.Option(help="Users that share the load.")] = 200,
    duration: Annotated[
        str, typer.Option(help=f"Judged time of a trial; {CHAOS_DURATION_S:g}s in chaos.", metavar="TIME")
    ] = "30s",
    warmup: Annotated[str, typer.Option(help="Time before it that is not judged.", metavar="TIME")] = "2s",
    hold: Annotated[str, typer.Option(help="How long a fault is held.", metavar="TIME")] = "3s",
    repeats: Annotated[int, typer.Option(help="How often each fault is made.")] = 1,
    entity: Annotated[str, typer.Option(help="Records: an entity, or mixed.")] = "mixed",
    brokers: Annotated[int, typer.Option(help="Kafka brokers: 1 or 3.")] = 1,
    sinks: Annotated[int, typer.Option(help="Sink workers.")] = 1,
    api_processes: Annotated[int, typer.Option(help="API processes that share one port.")] = 1,
    clean: Annotated[bool, typer.Option("--clean", help="Remove rows of earlier runs without asking.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of contents, moments and choices.")] = 1,
    drain_timeout: Annotated[str, typer.Option(help="How long the log may take to drain.", metavar="TIME")] = "60s",
    output: Annotated[Path | None, typer.Option(help="Directory of the results.", show_default=False)] = None,
    table_style: Annotated[str, typer.Option(help=f"Look of the tables: {', '.join(TABLE_STYLES)}.")] = "rounded",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON instead of tables.")] = False,
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
        duration_s=seconds("--duration", duration),
        warmup_s=seconds("--warmup", warmup),
        hold_s=seconds("--hold", hold),
        repeats=repeats,
        chaos=chaos,
        entity=entity,
        brokers=brokers,
        sinks=sinks,
        api_processes=api_processes,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout),
        seed=seed,
    )
    options.validate(CATALOGUE, Limits.read())
    refuse_running_stack("faults need a stack of their own", "use another SEAWALL_HOME")
    wanted = StackOptions(
        brokers=brokers,
        sinks=sinks,
        api_processes=api_processes,
        kafka=path == "kafka",
        links=True,
        disk_mb=SIZE_MB if NEED_SMALL_DISKS & set(options.faults) and not why_not() else 0,
    )
    with interruptible():
        directory = free_directory(output, "fault")
        with OwnStacks("fault", directory, clean=clean)(wanted, "") as stack:
            possible, left_out = sort_out(options.faults, obstacles(stack.state))
            for name, why in left_out.items():
                error_console().print(f"{name} is left out: {escape(why)}")
            with FaultProgress(error_console()) as progress:
                result = FaultRun(options, stack, directory, options.plans(possible), left_out).run(
                    progress, lambda result: _write(result, directory)
                )
    write_reports(result, directory)
    _show(result, directory, table_style, as_json=as_json)
    if result.outcome is Outcome.FAIL:
        raise typer.Exit(Exit.FAIL)
    raise typer.Exit(Exit.INTERRUPTED if result.interrupted else exit_of(result.outcome))


def _list(style: str) -> None:
    table = styled_table("Faults", style)
    for name in ("fault", "what happens", "may fail meanwhile", "as before within"):
        table.add_column(name)
    for one in CATALOGUE.values():
        touched = ", ".join(path for path in PATHS if path in one.touches) or "nothing"
        table.add_row(one.name, one.does, touched, f"{one.heals_within_s:g} s")
    output_console().print(table)


def _write(result: Result, directory: Path) -> None:
    write_result(result, directory / "result.json")
    write_summary(result, directory / "summary.csv")


def _show(result: Result, directory: Path, style: str, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write((directory / "result.json").read_text(encoding="utf-8"))
        return
    console = output_console()
    for table in fault_tables(result, style):
        console.print(table)
        console.print()
    for reason in result.reasons:
        console.print(escape(reason))
    console.print(
        f"[{COLORS[result.outcome]}]{result.outcome.value}[/]: {len(result.faults)} faults."
        f" Results: {os.path.relpath(directory)}"
    )
