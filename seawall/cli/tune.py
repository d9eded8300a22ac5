"""`tune`: what Kafka's knobs do, one or several together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from contract.connections import Connections
from seawall.cli.comparison_output import exit_code
from seawall.cli.consoles import output_console
from seawall.cli.ending import write_files
from seawall.cli.option_values import check_table_style, level_names, names, seconds
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
    Rate,
    Seed,
    Sinks,
    TableStyle,
    TargetsFile,
    Users,
    Warmup,
)
from seawall.cli.targets_file import read_targets
from seawall.cli.trial_progress import TrialProgress
from seawall.cli.tune_output import show
from seawall.cli.tune_plan import plan_in, run_plan, show_plan
from seawall.cli.tune_run import run_on_stacks
from seawall.cli.tune_search import run_search, show_search
from seawall.experiments.compare import Comparison, StackOf
from seawall.experiments.errors import BadOptions
from seawall.experiments.kills import beside_of
from seawall.experiments.level_effects import compare_levels
from seawall.experiments.plan_options import PlanOptions
from seawall.experiments.search_options import GOALS, KNOBS, SearchOptions
from seawall.experiments.tune_options import TuneOptions
from seawall.report.tune_tables import knob_table
from seawall.result import Result
from seawall.stack.limits import Limits
from seawall.tuning.catalogue import knob_named, knobs
from seawall.tuning.errors import BadSettings
from seawall.tuning.kafka_settings import KafkaSettings, read_settings
from seawall.tuning.knob import Knob, Value, as_text

TRIALS_A_BLOCK = 2

EXAMPLES = """[bold]Examples[/]

  bin/seawall tune --list                                all knobs, and what they mean
  bin/seawall tune --knob linger.ms                      its levels at 2,000 writes a second, in five minutes
  bin/seawall tune --knob producer.compression.type --rate 4000 --users 400
  bin/seawall tune --knob acks --levels 0,1,-1 --brokers 3
  bin/seawall tune --knob SEAWALL_SINK_BATCH_SIZE --levels 10,100,2000 --repeats 8
  bin/seawall tune --knob value_serializer               JSON, Avro, Protobuf and others; a schema registry comes along
  bin/seawall tune --knob partitions --levels 1,6 --sinks 3         each level on servers of its own, which takes longer
  bin/seawall tune --knob partition_by --key-skew 1.5    how even, and in order, where some keys are hot
  bin/seawall tune --knob retention.bytes                how much is left on disk, and whether a sink was too late
  bin/seawall tune --knob cleanup.policy --rewrites 4    what a compaction leaves of records that come five times
  bin/seawall tune --knob offset_commits --kill sink     what a killed sink reads again, or loses
  bin/seawall tune --knob assignor --disturb join,leave,kill --duration 40s    how long partitions stand still
  bin/seawall tune --knob fetch.wait.max.ms --settings mine.toml    beside other settings
  bin/seawall tune --knob cleanup.policy --levels 'delete;compact,delete'     a semicolon parts levels that hold commas
  bin/seawall tune --plan plan.toml                      several knobs together: which matter, which depend on others
  bin/seawall tune --search visible-p95 --rate 5000 --users 500     the best setting for a goal, as a settings file
  bin/seawall tune --plan plan.toml --resume results/<time>-tune    the same once more: what that run lacks

Each level is an arm of the path kafka: the same records at the same rate through API, log and sink, each followed to
its row. Levels are interleaved, there and back, and held against the value that is shipped. An effect is named where
chance would not find one among so many levels and figures in 19 of 20 sweeps; else no effect was shown, which a rate
that is nearer to the limit, or more --repeats, may change. docs/tuning.md tells more.

Exit codes: 0 every trial valid and its audit clean, 1 something lost, pending or wrong, 2 wrong usage or set-up,
4 a trial was invalid, 130 interrupted (what was measured is written)."""


def tune(
    *,
    listed: Annotated[bool, typer.Option("--list", help="Name all knobs, and turn none.")] = False,
    knob: Annotated[str, typer.Option(help="Which knob; see --list.", show_default=False)] = "",
    levels: Annotated[
        str,
        typer.Option(
            help="Its values; the shipped one is always among them. With a semicolon, only semicolons part them:"
            " 'delete;compact,delete'.  \\[default: those of --list]",
            metavar="LIST",
            show_default=False,
        ),
    ] = "",
    plan: Annotated[
        Path | None,
        typer.Option(help="A file of several knobs, two levels each, and how to combine them.", show_default=False),
    ] = None,
    search: Annotated[
        str,
        typer.Option(help=f"Look for the best setting for a goal: {', '.join(GOALS)}.", show_default=False),
    ] = "",
    searched: Annotated[
        str,
        typer.Option("--knobs", help="Which knobs a search may turn.", metavar="LIST"),
    ] = ",".join(KNOBS),
    resume: Annotated[
        Path | None,
        typer.Option(
            help="The directory of a run with the same options: what it lacks is run.",
            metavar="DIR",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(help="A file of settings that stand beside it, the same at each level.", show_default=False),
    ] = None,
    kill: Annotated[
        str,
        typer.Option(
            help="Kill this twice in each trial: sink. Tells what is read again, and what is lost.",
            show_default=False,
        ),
    ] = "",
    disturb: Annotated[
        str,
        typer.Option(
            help="Change the sinks' group in each trial, in this order: join, leave, kill. Tells how long partitions"
            " stood still.",
            metavar="LIST",
            show_default=False,
        ),
    ] = "",
    rewrites: Annotated[
        int | None,
        typer.Option(
            help="Of knobs of the disk: so many times each record is written once more.  \\[default: by the knob]",
            show_default=False,
        ),
    ] = None,
    rate: Rate = 2_000.0,
    users: Users = 200,
    duration: Annotated[str, typer.Option(help="Judged time of a trial.", metavar="TIME")] = "8s",
    warmup: Warmup = "2s",
    repeats: Annotated[
        int | None,
        typer.Option(
            help="Trials a level (an even number) or a cell; of a search those that decide."
            "  \\[default: 4; search, and two levels: 6]",
            show_default=False,
        ),
    ] = None,
    entity: Entity = "mixed",
    key_skew: Annotated[float, typer.Option(help="Zipf's exponent over Kafka's partitions; 0 is even.")] = 0.0,
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
    """Turn one of Kafka's knobs, and see what it does to throughput, latency and cost, on real servers."""
    check_table_style(table_style)
    if listed:
        output_console().print(knob_table(knobs().values(), table_style))
        return
    load: dict[str, Any] = {
        "paths": ("kafka",),
        "parts": ("load",),
        "users": users,
        "rate_per_s": rate / users if users > 0 else 0.0,
        "duration_s": seconds("--duration", duration),
        "warmup_s": seconds("--warmup", warmup),
        "load_entity": entity,
        "key_skew": key_skew,
        "database": database,
        "brokers": brokers,
        "sinks": sinks,
        "api_processes": api_processes,
        "drain_timeout_s": seconds("--drain-timeout", drain_timeout),
        "seed": seed,
    }
    beside: dict[str, Any] = {"kill": kill, "disturb": names(disturb), "rewrites": rewrites}
    _refuse_several(knob, levels, plan, search, resume, output)
    _refuse_others(search, names(searched), **beside)
    if search:
        best = SearchOptions(
            goal=search,
            knobs=names(searched),
            settings=_beside(settings),
            fresh=6 if repeats is None else repeats,
            **load,
        )
        best.validate(Connections.read(), Limits.read())
        found, place = run_search(best, read_targets(targets), output, resume, clean=clean)
        show_search(found, place, table_style, as_json=as_json)
        raise typer.Exit(exit_code(found, None))
    if plan is not None:
        cells = PlanOptions(plan=plan_in(plan), settings=_beside(settings), blocks=repeats or 4, **beside, **load)
        cells.validate(Connections.read(), Limits.read())
        found, place = run_plan(cells, read_targets(targets), output, resume, clean=clean)
        show_plan(found, place, table_style, as_json=as_json)
        raise typer.Exit(exit_code(found, None))
    if repeats is not None and (repeats < TRIALS_A_BLOCK or repeats % TRIALS_A_BLOCK):
        raise typer.BadParameter(f"{repeats} is no even number of 2 or more", param_hint="--repeats")
    turned, held, wanted = _settings(knob, settings, level_names(levels))
    options = TuneOptions(knob=turned, levels=wanted, settings=held, **beside, **load)
    options = replace(options, blocks=(repeats or options.usual_repeats) // TRIALS_A_BLOCK)
    options.validate(Connections.read(), Limits.read())
    judged_by = read_targets(targets)

    def run(stack_of: StackOf, directory: Path, earlier: Result | None, progress: TrialProgress) -> Result:
        changes = beside_of(kill, options.disturb)
        sweep = Comparison(options, judged_by, stack_of, directory, compare_levels, changes, earlier)
        return sweep.run(progress, lambda result: write_files(result, directory))

    result, directory = run_on_stacks(options, output, resume, run, clean=clean)
    show(result, directory, table_style, as_json=as_json)
    raise typer.Exit(exit_code(result, None))


def _refuse_several(
    knob: str, levels: str, plan: Path | None, search: str, resume: Path | None, output: Path | None
) -> None:
    """Raise `typer.BadParameter` where what is to be turned is not named once."""
    asked = sum((bool(knob), plan is not None, bool(search)))
    if not asked:
        raise typer.BadParameter(
            "name one, like linger.ms (`bin/seawall tune --list` has all), or give a --plan of several, or a goal to"
            " --search for",
            param_hint="--knob",
        )
    if asked > 1:
        raise typer.BadParameter("--knob, --plan and --search exclude one another", param_hint="--knob")
    if levels and not knob:
        raise typer.BadParameter(
            "belongs to --knob: a plan names its levels, a search takes all", param_hint="--levels"
        )
    if resume is not None and output is not None:
        raise typer.BadParameter("leave --output out: what was measured lies there already", param_hint="--resume")


def _refuse_others(
    search: str, searched: tuple[str, ...], kill: str, disturb: tuple[str, ...], rewrites: int | None
) -> None:
    """Raise `typer.BadParameter` where an option does not belong to what was asked for."""
    if not search and searched != KNOBS:
        raise typer.BadParameter("belongs to --search: --plan names its knobs, --knob is one", param_hint="--knobs")
    given = {"--kill": kill, "--disturb": disturb, "--rewrites": rewrites}
    for option in (option for option, value in given.items() if search and value not in ("", (), None)):
        raise typer.BadParameter(
            "belongs to --knob and --plan: a search holds candidates against each other undisturbed, and turns nothing"
            " whose effect is on the disk",
            param_hint=option,
        )


def _beside(path: Path | None) -> KafkaSettings:
    try:
        return KafkaSettings() if path is None else read_settings(path)
    except BadSettings as error:
        raise BadOptions(error.mistakes) from None


def _settings(name: str, path: Path | None, levels: tuple[str, ...]) -> tuple[Knob, KafkaSettings, tuple[Value, ...]]:
    """Return the knob, what stands beside it, and its levels; raises `BadOptions` where one of them cannot be."""
    try:
        knob = knob_named(name)
    except BadSettings as error:
        raise BadOptions(error.mistakes) from None
    beside = _beside(path)
    mistakes, found = [], []
    for text in levels:
        try:
            found.append(knob.read(text))
        except ValueError as error:
            mistakes.append(f"--levels: {error}")
    twice = dict.fromkeys(as_text(value) for value in found if found.count(value) > 1)
    if twice:
        mistakes.append(
            f"--levels: {', '.join(twice)} is named twice; where a level holds a comma itself, semicolons part them:"
            " 'delete;compact,delete'"
        )
    if mistakes:
        raise BadOptions(mistakes)
    return knob, beside, tuple(found) or knob.levels
