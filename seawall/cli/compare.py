"""`compare`: the write paths side by side under real load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from contract.connections import Connections
from contract.entities import ENTITIES
from seawall.cli.comparison_output import exit_code, show
from seawall.cli.consoles import error_console
from seawall.cli.ending import write_files
from seawall.cli.exits import Exit
from seawall.cli.experiment_place import OwnStacks, experiment_place
from seawall.cli.interruption import interruptible
from seawall.cli.kafka_settings_file import kafka_settings
from seawall.cli.option_values import check_table_style, names, seconds, whole_numbers
from seawall.cli.regression import held_against
from seawall.cli.results_directory import free_directory
from seawall.cli.running_stack import refuse_running_stack
from seawall.cli.shared_options import (
    TARGETS_FILE,
    ApiProcesses,
    AsJson,
    Brokers,
    Clean,
    Database,
    DrainTimeout,
    Output,
    Paths,
    Profile,
    Seed,
    SettingsFile,
    Sinks,
    TableStyle,
    TargetsFile,
)
from seawall.cli.targets_file import read_targets
from seawall.cli.trial_progress import TrialProgress
from seawall.experiments.arms import ARMS, PATHS, durability_arms
from seawall.experiments.compare import Comparison, StackOf
from seawall.experiments.compare_options import ARRIVALS, PARTS, CompareOptions
from seawall.experiments.segments import Segment
from seawall.report.files import write_reports
from seawall.report.stored import stored_result
from seawall.result import Result
from seawall.stack.limits import Limits
from seawall.stack.options import StackOptions
from seawall.tuning.kafka_settings import KafkaSettings

EXAMPLES = """[bold]Examples[/]

  bin/seawall compare                          all paths and entities, about 5 minutes
  bin/seawall compare --quick                  a first look, about two minutes with starting the servers
  bin/seawall compare --parts load --users 200 --rate 20 --arrival poisson
  bin/seawall compare --paths sync,kafka --entities orders --counts 100,10000
  bin/seawall compare --database mariadb       with MariaDB in PostgreSQL's place (docs/mariadb.md)
  bin/seawall compare --brokers 3 --sinks 3    Kafka with three brokers and three sinks
  bin/seawall compare --settings mine.toml --paths kafka    with settings of your own (docs/tuning.md)
  bin/seawall compare --profile latency --paths kafka       with those of profiles/latency.toml
  bin/seawall compare --api-processes 2        two API processes share the port
  bin/seawall compare --durability --parts load         what each promise of safety costs, on each path
  bin/seawall compare --arms sync,kafka-flushed         both flush to disk before they answer
  bin/seawall compare --paths kafka --key-skew 1.2      one partition gets most of the records
  bin/seawall compare --blocks 4                        eight trials an arm: narrower intervals
  bin/seawall compare --record-bytes 4000 --compressibility 0.2 --entities orders --load-entity orders
  bin/seawall compare --gate kafka             a gate for CI: the exit code is that path's verdict against targets.toml
  bin/seawall compare --quick --json           the result for machines, on standard output

Arms of --arms, and what each promises:

{arms}

Exit codes: 0 every trial valid and its audit clean, 1 something lost, pending or wrong, 2 wrong usage or set-up,
4 a trial was invalid, 130 interrupted (what was measured is written). With --gate: 0 the path's targets hold, 1 one
is missed, 3 an interval straddles a limit, 4 a figure says nothing; anything lost is 1 whatever the gate.""".format(
    arms="\n".join(f"  {arm.name:<15}{arm.about}" for arm in ARMS.values())
)


def compare(
    *,
    paths: Paths = "",
    arms: Annotated[
        str,
        typer.Option(
            help=f"Arms that promise a durability, on stacks of their own: {', '.join(ARMS)}.",
            metavar="LIST",
            show_default=False,
        ),
    ] = "",
    durability: Annotated[
        bool, typer.Option("--durability", help="All those arms; --paths leaves out those of other paths.")
    ] = False,
    entities: Annotated[str, typer.Option(help="Entities of the same-data part.", metavar="LIST")] = ",".join(ENTITIES),
    counts: Annotated[
        str,
        typer.Option(
            help="Records of each entity, same-data part.  \\[default: 100,500,1000, quick: 500]",
            metavar="LIST",
            show_default=False,
        ),
    ] = "",
    parts: Annotated[str, typer.Option(help="Which parts to run: data, load.", metavar="LIST")] = ",".join(PARTS),
    users: Annotated[int, typer.Option(help="Users of the same-load part.")] = 200,
    rate: Annotated[float, typer.Option(help="Requests a second of each user.")] = 5.0,
    duration: Annotated[
        str,
        typer.Option(
            help="Judged time of a load trial.  \\[default: 10s, quick: 4s]", metavar="TIME", show_default=False
        ),
    ] = "",
    warmup: Annotated[
        str,
        typer.Option(
            help="Time before it that is not judged.  \\[default: 2s, quick: 1s]", metavar="TIME", show_default=False
        ),
    ] = "",
    clients: Annotated[int, typer.Option(help="Concurrent users of the same-data part.")] = 50,
    load_entity: Annotated[str, typer.Option(help="Records of the same-load part: an entity, or mixed.")] = "mixed",
    arrival: Annotated[
        str, typer.Option(help=f"Spacing of a user's requests, same-load part: {' or '.join(ARRIVALS)}.")
    ] = ARRIVALS[0],
    record_bytes: Annotated[
        int | None, typer.Option(help="Length of each record, bytes.  \\[default: as real ones]", show_default=False)
    ] = None,
    compressibility: Annotated[
        float | None,
        typer.Option(help="Of its text: 0 not at all, 1 to nothing.  \\[default: as real text]", show_default=False),
    ] = None,
    key_skew: Annotated[float, typer.Option(help="Zipf's exponent over Kafka's partitions; 0 is even.")] = 0.0,
    blocks: Annotated[
        int | None,
        typer.Option(help="Blocks; each runs every arm twice.  \\[default: 2, quick: 1]", show_default=False),
    ] = None,
    settings: SettingsFile = None,
    profile: Profile = "",
    database: Database = "",
    brokers: Brokers = None,
    sinks: Sinks = None,
    api_processes: ApiProcesses = None,
    quick: Annotated[bool, typer.Option("--quick", help="Two trials an arm, one count, short load: 2 min.")] = False,
    clean: Clean = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep them: trials do not start on fresh state.")] = False,
    seed: Seed = 1,
    drain_timeout: DrainTimeout = "60s",
    gate: Annotated[
        str | None, typer.Option(help="The path or arm whose verdict is the exit code.", show_default=False)
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="An earlier run's directory: getting worse than it is a FAIL.", show_default=False),
    ] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Hold against it whatever else differs.")] = False,
    targets: TargetsFile = TARGETS_FILE,
    output: Output = None,
    table_style: TableStyle = "rounded",
    as_json: AsJson = False,
) -> None:
    """Compare writing straight to the database with writing through Kafka, on real servers under real load.

    Every record is followed to its row; delay counts until the row is visible. Runs on the stack that is up, or
    starts one for the time of the comparison. Arms that promise a durability get stacks of their own.
    """
    options = CompareOptions(
        paths=names(paths) or PATHS,
        arms=_arms(paths, arms, durability=durability),
        database=database,
        brokers=brokers,
        sinks=sinks,
        api_processes=api_processes,
        entities=names(entities),
        counts=whole_numbers("--counts", counts or ("500" if quick else "100,500,1000")),
        parts=names(parts),
        clients=clients,
        users=users,
        rate_per_s=rate,
        duration_s=seconds("--duration", duration or ("4s" if quick else "10s")),
        warmup_s=seconds("--warmup", warmup or ("1s" if quick else "2s")),
        load_entity=load_entity,
        arrival=arrival,
        record_bytes=record_bytes,
        compressibility=compressibility,
        key_skew=key_skew,
        blocks=(1 if quick else 2) if blocks is None else blocks,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout),
        seed=seed,
        keep=keep,
        gate=gate,
    )
    options.validate(Connections.read() if options.arms else None, Limits.read())
    started_with = kafka_settings(settings, brokers or 1, profile)
    judged_by = read_targets(targets)
    earlier = None if against is None else stored_result(against)
    check_table_style(table_style)
    if clean and keep:
        raise typer.BadParameter("--clean and --keep exclude each other", param_hint="--clean")
    with interruptible():
        directory = free_directory(output, "compare")
        with _stacks(options, directory, started_with, clean=clean) as stack_of:
            result = _run(Comparison(options, judged_by, stack_of, directory), directory)
    show(result, directory, table_style, as_json=as_json)
    code = exit_code(result, gate)
    if earlier is not None and code is Exit.PASS:
        code = held_against(earlier, result, str(against), anyway=anyway)
    raise typer.Exit(code)


def _arms(paths: str, arms: str, *, durability: bool) -> tuple[str, ...]:
    """Return the names of the arms that promise a durability; none where the paths are taken as they are."""
    if arms and (paths or durability):
        raise typer.BadParameter("--arms names all arms: leave --paths and --durability out", param_hint="--arms")
    if durability:
        return durability_arms(names(paths) or PATHS)
    return names(arms)


@contextmanager
def _stacks(options: CompareOptions, directory: Path, settings: KafkaSettings, *, clean: bool) -> Iterator[StackOf]:
    """Give what gives each segment its stack: always the same one, or for arms one of its own each time."""
    if options.arms:
        refuse_running_stack("these arms need stacks of their own", "compare --paths on it as it is")
        make = OwnStacks("compare", directory, clean=clean, keep=options.keep)
        yield lambda segment: make(_stack_of(options, segment, settings), segment.name)
        return
    wanted = StackOptions(
        brokers=options.brokers or 1,
        sinks=options.sinks or 1,
        api_processes=options.api_processes or 1,
        database=options.database,
        kafka="kafka" in options.paths,
        settings=settings,
    )
    asked = any(number is not None for number in (options.brokers, options.sinks, options.api_processes))
    with experiment_place(wanted, "compare", directory, asked=asked, clean=clean, keep=options.keep) as stack:
        yield lambda _: nullcontext(stack)


def _stack_of(options: CompareOptions, segment: Segment, settings: KafkaSettings) -> StackOptions:
    return StackOptions(
        brokers=segment.brokers or 1,
        sinks=options.sinks or 1,
        api_processes=options.api_processes or 1,
        database=options.database,
        kafka=segment.needs_kafka,
        settings=settings,
    )


def _run(comparison: Comparison, directory: Path) -> Result:
    with TrialProgress(error_console()) as progress:
        result = comparison.run(progress, lambda result: write_files(result, directory))
    with error_console().status("Drawing the report"):
        write_reports(result, directory)
    return result
