"""`tune`: what one of Kafka's knobs does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contract.connections import Connections
from seawall.cli.comparison_output import exit_code
from seawall.cli.consoles import error_console, output_console
from seawall.cli.ending import write_files
from seawall.cli.interruption import interruptible
from seawall.cli.option_values import check_table_style, names, seconds
from seawall.cli.results_directory import free_directory
from seawall.cli.shared_options import (
    TARGETS_FILE,
    ApiProcesses,
    AsJson,
    Brokers,
    Clean,
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
from seawall.cli.tune_stacks import stacks_of
from seawall.experiments.compare import Comparison
from seawall.experiments.errors import BadOptions
from seawall.experiments.kills import beside_of
from seawall.experiments.level_effects import compare_levels
from seawall.experiments.tune_options import TuneOptions
from seawall.report.files import write_reports
from seawall.report.tune_tables import knob_table
from seawall.stack.limits import Limits
from seawall.tuning.catalogue import knob_named, knobs
from seawall.tuning.errors import BadSettings
from seawall.tuning.kafka_settings import KafkaSettings, read_settings
from seawall.tuning.knob import Knob, Value

TRIALS_A_BLOCK = 2

EXAMPLES = """[bold]Examples[/]

  bin/seawall tune --list                                all knobs, and what they mean
  bin/seawall tune --knob linger.ms                      its levels at 2,000 writes a second, in five minutes
  bin/seawall tune --knob compression.type --rate 4000 --users 400
  bin/seawall tune --knob acks --levels 0,1,-1 --brokers 3
  bin/seawall tune --knob SEAWALL_SINK_BATCH_SIZE --levels 10,100,2000 --repeats 8
  bin/seawall tune --knob value_serializer               JSON, Avro, Protobuf and others; a schema registry comes along
  bin/seawall tune --knob partitions --levels 1,6 --sinks 3         each level on servers of its own, which takes longer
  bin/seawall tune --knob partition_by --key-skew 1.5    how even, and in order, where some keys are hot
  bin/seawall tune --knob offset_commits --kill sink     what a killed sink reads again, or loses
  bin/seawall tune --knob fetch.wait.max.ms --settings mine.toml    beside other settings

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
            help="Its values; the shipped one is always among them.  \\[default: those of --list]",
            metavar="LIST",
            show_default=False,
        ),
    ] = "",
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
    rate: Rate = 2_000.0,
    users: Users = 200,
    duration: Annotated[str, typer.Option(help="Judged time of a trial.", metavar="TIME")] = "8s",
    warmup: Warmup = "2s",
    repeats: Annotated[int, typer.Option(help="Trials a level, an even number.")] = 4,
    entity: Entity = "mixed",
    key_skew: Annotated[float, typer.Option(help="Zipf's exponent over Kafka's partitions; 0 is even.")] = 0.0,
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
    if not knob:
        raise typer.BadParameter("name one, like linger.ms; `bin/seawall tune --list` has all", param_hint="--knob")
    if repeats < TRIALS_A_BLOCK or repeats % TRIALS_A_BLOCK:
        raise typer.BadParameter(f"{repeats} is no even number of 2 or more", param_hint="--repeats")
    turned, beside, wanted = _settings(knob, settings, names(levels))
    options = TuneOptions(
        knob=turned,
        levels=wanted,
        settings=beside,
        kill=kill,
        paths=("kafka",),
        parts=("load",),
        users=users,
        rate_per_s=rate / users if users > 0 else 0.0,
        duration_s=seconds("--duration", duration),
        warmup_s=seconds("--warmup", warmup),
        load_entity=entity,
        key_skew=key_skew,
        brokers=brokers,
        sinks=sinks,
        api_processes=api_processes,
        blocks=repeats // TRIALS_A_BLOCK,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout),
        seed=seed,
    )
    options.validate(Connections.read(), Limits.read())
    judged_by = read_targets(targets)
    with interruptible():
        directory = free_directory(output, "tune")
        with (
            stacks_of(options, directory, clean=clean) as stack_of,
            TrialProgress(error_console()) as progress,
        ):
            sweep = Comparison(options, judged_by, stack_of, directory, compare_levels, beside_of(kill))
            result = sweep.run(progress, lambda result: write_files(result, directory))
        with error_console().status("Drawing the report"):
            write_reports(result, directory)
    show(result, directory, table_style, as_json=as_json)
    raise typer.Exit(exit_code(result, None))


def _settings(name: str, path: Path | None, levels: tuple[str, ...]) -> tuple[Knob, KafkaSettings, tuple[Value, ...]]:
    """Return the knob, what stands beside it, and its levels; raises `BadOptions` where one of them cannot be."""
    try:
        knob = knob_named(name)
        beside = KafkaSettings() if path is None else read_settings(path)
    except BadSettings as error:
        raise BadOptions(error.mistakes) from None
    mistakes, found = [], []
    for text in levels:
        try:
            found.append(knob.read(text))
        except ValueError as error:
            mistakes.append(f"--levels: {error}")
    if mistakes:
        raise BadOptions(mistakes)
    return knob, beside, tuple(found) or knob.levels
