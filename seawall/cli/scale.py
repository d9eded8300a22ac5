"""`scale`: what more processes would carry, and from what that is known."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.markup import escape

from contract.connections import Connections
from seawall.cli.consoles import error_console
from seawall.cli.earlier_rows import settle_rows
from seawall.cli.elasticity import scale_under_load
from seawall.cli.ending import leave, outcome_text, show, write_files
from seawall.cli.interruption import interruptible
from seawall.cli.option_values import check_table_style, seconds, whole_numbers
from seawall.cli.option_values import rates as rates_of
from seawall.cli.results_directory import free_directory, keep_server_logs, make_directory
from seawall.cli.running_stack import own_stack, refuse_running_stack
from seawall.cli.scale_progress import ScaleProgress
from seawall.cli.shared_options import (
    TARGETS_FILE,
    AsJson,
    Brokers,
    Clean,
    Database,
    Entity,
    OnePath,
    Output,
    Seed,
    TableStyle,
    Warmup,
)
from seawall.cli.targets_file import read_targets
from seawall.experiments.elasticity_options import (
    DIVISORS,
    DRAIN_S,
    FASTER,
    RATES,
    SINK_RATE,
    STAGE_S,
    STEADY_RATE,
    STEP_S,
    ElasticityOptions,
)
from seawall.experiments.elasticity_options import KINDS as LIVE
from seawall.experiments.scale import Scale
from seawall.experiments.scale_options import DRAIN_S as LAW_DRAIN_S
from seawall.experiments.scale_options import KINDS, ScaleOptions
from seawall.report.files import write_reports
from seawall.report.page.scaling_picture import write_scaling_picture
from seawall.report.scale_tables import scale_lines, scale_table
from seawall.result import Result
from seawall.stack.limits import Limits
from seawall.stack.stack import Stack
from seawall.stats.scaling import FEWEST_POINTS

EXAMPLES = f"""[bold]Examples[/]

  bin/seawall scale --what api                 1 to 6 API processes, about ten minutes
  bin/seawall scale --what sinks --repeats 3   18 trials instead of 12: narrower intervals
  bin/seawall scale --what partitions --rate-each 1000
  bin/seawall scale --what workers             1 to 6 Locust workers beside their master
  bin/seawall scale --what api --path sync     through another write path
  bin/seawall scale --what api --counts 1,2,4,8,12,16 --rate-each 150
  bin/seawall scale --what api --json          the result for machines, on standard output
  bin/seawall scale --autoscale sinks          sinks come and go by the lag, as KEDA would have it
  bin/seawall scale --autoscale api            API processes by CPU and requests under way, behind HAProxy
  bin/seawall scale --autoscale sinks --steps 1,2,3,4,5,6,5,4,3,2,1    by a script, under a steady load
  bin/seawall scale --autoscale sinks --rates 200,2000,200 --stage 2m --faster 1 --divisor 5

With --what every process gets the same small load, so that the machine's cores suffice for all; what is measured is the
processor time a record takes. From it follows what they would carry with a core each, which is a projection. With
--autoscale the load rises and falls, processes are added and removed while it runs, by the formulas and numbers with
which deploy/kubernetes would have it done, and every record is accounted for: docs/scaling.md.

Exit codes: 0 a law was fitted, or all was borne, 1 something lost, pending or wrong, or times not back in time after a
step, 2 wrong usage or set-up, 3 the law leaves open whether more processes carry more, or some were left at the end,
4 fewer than {FEWEST_POINTS} numbers with a valid trial, or nothing was scaled, 130 interrupted (what was measured is
written)."""


def _listed(numbers: Iterable[float]) -> str:
    return ",".join(f"{number:g}" for number in numbers)


_LAW = "With --what"
_LIVE = "With --autoscale"
_OF_ONE = {
    "what": ("counts", "rate_each", "users_each", "duration", "repeats", "targets"),
    "autoscale": ("steps", "rates", "stage", "users", "at_most", "faster", "divisor", "sink_rate"),
}
"""Options that belong to one of the two alone."""


def scale(
    context: typer.Context,
    *,
    what: Annotated[
        str,
        typer.Option(help=f"What is scaled for a law: {', '.join(KINDS)}.", show_default=False, rich_help_panel=_LAW),
    ] = "",
    counts: Annotated[
        str, typer.Option(help="To which numbers.", metavar="LIST", rich_help_panel=_LAW)
    ] = "1,2,3,4,5,6",
    rate_each: Annotated[float, typer.Option(help="Requests a second of each process.", rich_help_panel=_LAW)] = 400.0,
    users_each: Annotated[int, typer.Option(help="Users of each process.", rich_help_panel=_LAW)] = 100,
    duration: Annotated[
        str, typer.Option(help="Judged time of a trial.", metavar="TIME", rich_help_panel=_LAW)
    ] = "15s",
    repeats: Annotated[int, typer.Option(help="Trials of each number.", rich_help_panel=_LAW)] = 2,
    targets: Annotated[
        Path, typer.Option(help="File of targets.", show_default="targets.toml", rich_help_panel=_LAW)
    ] = TARGETS_FILE,
    autoscale: Annotated[
        str,
        typer.Option(
            help=f"What comes and goes under load: {', '.join(LIVE)}.", show_default=False, rich_help_panel=_LIVE
        ),
    ] = "",
    steps: Annotated[
        str,
        typer.Option(
            help="Go through these numbers in place of the formulas.",
            metavar="LIST",
            show_default=False,
            rich_help_panel=_LIVE,
        ),
    ] = "",
    rates: Annotated[
        str,
        typer.Option(
            help=f"Requests a second, one after the other.  \\[default: sinks {_listed(RATES['sinks'])}, api"
            f" {_listed(RATES['api'])}, with --steps {STEADY_RATE:g}]",
            metavar="LIST",
            show_default=False,
            rich_help_panel=_LIVE,
        ),
    ] = "",
    stage: Annotated[
        str,
        typer.Option(
            help=f"How long each rate is kept, or each step.  \\[default: {STAGE_S:g}s, with --steps {STEP_S:g}s]",
            metavar="TIME",
            show_default=False,
            rich_help_panel=_LIVE,
        ),
    ] = "",
    users: Annotated[int, typer.Option(help="Users that share the load.", rich_help_panel=_LIVE)] = 100,
    at_most: Annotated[
        int | None,
        typer.Option(help="At most so many.  \\[default: the manifest's]", show_default=False, rich_help_panel=_LIVE),
    ] = None,
    faster: Annotated[
        float | None,
        typer.Option(
            help="So many times as fast as a cluster's the autoscaler's clock runs.  \\[default:"
            f" sinks {FASTER['sinks']:g}, api {FASTER['api']:g}]",
            show_default=False,
            rich_help_panel=_LIVE,
        ),
    ] = None,
    divisor: Annotated[
        float | None,
        typer.Option(
            help="The manifest's targets are divided by so much.  \\[default:"
            f" sinks {DIVISORS['sinks']:g}, api {DIVISORS['api']:g}]",
            show_default=False,
            rich_help_panel=_LIVE,
        ),
    ] = None,
    sink_rate: Annotated[
        float | None,
        typer.Option(
            help="Slow sinks down to about so many records a second each; 0: leave them as they are.  \\[default:"
            f" {SINK_RATE:g}, with --steps 0]",
            show_default=False,
            rich_help_panel=_LIVE,
        ),
    ] = None,
    warmup: Warmup = "10s",
    path: OnePath = "kafka",
    entity: Entity = "mixed",
    database: Database = "",
    brokers: Brokers = None,
    clean: Clean = False,
    seed: Seed = 1,
    drain_timeout: Annotated[
        str,
        typer.Option(
            help=f"How long the log may take to drain.  \\[default: {LAW_DRAIN_S:g}s, with --autoscale {DRAIN_S:g}s]",
            metavar="TIME",
            show_default=False,
        ),
    ] = "",
    output: Output = None,
    table_style: TableStyle = "rounded",
    as_json: AsJson = False,
) -> None:
    """Scale API processes, sinks, partitions or Locust workers: for a law, or while a load comes and goes.

    For a law each number runs on a stack of its own at constant work each; Locust workers share one.
    """
    _refuse_the_others(context, what, autoscale)
    check_table_style(table_style)
    if autoscale:
        scale_under_load(
            ElasticityOptions(
                what=autoscale,
                steps=whole_numbers("--steps", steps),
                rates_per_s=rates_of("--rates", rates),
                stage_s=seconds("--stage", stage) if stage else None,
                users=users,
                most=at_most,
                faster=faster,
                divisor=divisor,
                sink_rate_per_s=sink_rate,
                path=path,
                entity=entity,
                database=database,
                brokers=1 if brokers is None else brokers,
                warmup_s=seconds("--warmup", warmup),
                drain_timeout_s=seconds("--drain-timeout", drain_timeout) if drain_timeout else DRAIN_S,
                seed=seed,
            ),
            output,
            table_style,
            clean=clean,
            as_json=as_json,
        )
    options = ScaleOptions(
        what=what,
        counts=whole_numbers("--counts", counts),
        rate_each_per_s=rate_each,
        users_each=users_each,
        duration_s=seconds("--duration", duration),
        warmup_s=seconds("--warmup", warmup),
        repeats=repeats,
        path=path,
        entity=entity,
        database=database,
        brokers=1 if brokers is None else brokers,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout) if drain_timeout else LAW_DRAIN_S,
        seed=seed,
    )
    options.validate(Limits.read(), Connections.read())
    judged_by = read_targets(targets)
    if not options.law_is_possible:
        error_console().print(
            f"[yellow]{len(options.counts)} numbers make no law, {FEWEST_POINTS} are needed:[/] trials are run and"
            " shown, and the outcome is INVALID"
        )
    refuse_running_stack("each number needs a stack of its own", "wait for it to end")
    with interruptible():
        directory = free_directory(output, "scale")
        stacks = _Stacks(options, directory, clean=clean)
        with ScaleProgress(error_console()) as progress:
            result = Scale(options, judged_by, targets.resolve(), stacks, directory).run(
                progress, lambda result: _write(result, directory)
            )
    with error_console().status("Drawing the report"):
        write_reports(result, directory)
    show(directory, (), _lines(result, directory, table_style), as_json=as_json)
    leave(result)


def _refuse_the_others(context: typer.Context, what: str, autoscale: str) -> None:
    """Raise `typer.BadParameter` where not one of the two was asked for, or an option does not belong to it."""
    if bool(what) == bool(autoscale):
        raise typer.BadParameter(
            f"give --what ({', '.join(KINDS)}) for a law, or --autoscale ({', '.join(LIVE)}) to scale under load",
            param_hint="--what, --autoscale",
        )
    asked, other = ("what", "autoscale") if what else ("autoscale", "what")
    for name in _OF_ONE[other]:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = f"--{name.replace('_', '-')}"
            raise typer.BadParameter(f"belongs to --{other}, and --{asked} was asked for", param_hint=option)


class _Stacks:
    """Starts a stack for each number, and stops it when the trial has ended."""

    def __init__(self, options: ScaleOptions, directory: Path, *, clean: bool) -> None:
        self._options, self._directory, self._clean = options, directory, clean
        self._started = 0

    @contextmanager
    def __call__(self, count: int) -> Iterator[Stack]:
        until = "" if self._options.what == "workers" else "trial"
        with own_stack(self._options.stack_options(count), "scale", until=until) as stack:
            if not self._started:  # a database that is not ours may hold rows; later ones are of this run
                settle_rows(stack, clean=self._clean, keep=False)
                make_directory(self._directory)
            self._started += 1
            try:
                yield stack
            finally:
                keep_server_logs(stack, self._directory, f"{self._started:02}-{self._options.what}-{count}")


def _write(result: Result, directory: Path) -> None:
    write_files(result, directory)
    if any(finding.curve for finding in result.scaling):
        write_scaling_picture(result, directory / "scaling.svg")


def _lines(result: Result, directory: Path, style: str) -> Iterator[RenderableType]:
    for finding in result.scaling:
        yield scale_table(finding, result, style)
        yield ""
        yield from scale_lines(finding)
    yield from map(escape, result.reasons)
    yield f"{outcome_text(result)}: {len(result.trials)} trials. Results: {os.path.relpath(directory)}"
