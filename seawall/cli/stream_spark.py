"""`stream spark`: features of reviews by a Spark job, one setting at a time, all together, and killed in between."""

from __future__ import annotations

from typing import Annotated

import typer

from seawall.cli.consoles import error_console
from seawall.cli.option_values import check_table_style, names, seconds
from seawall.cli.scenario_run import Scenario
from seawall.cli.shared_options import AsJson, Brokers, Clean, Database, DrainTimeout, Output, Seed, TableStyle
from seawall.cli.spark_progress import SparkProgress
from seawall.experiments.stream_spark import SparkRun
from seawall.experiments.stream_spark_options import ARMS, QUICK, SparkOptions
from seawall.result.spark import SPARK
from seawall.stack.spark import require_spark

EXAMPLES = """[bold]Examples[/]

  bin/seawall stream spark --quick                    240 reviews by three arms
  bin/seawall stream spark                            1,200 reviews by all eight arms
  bin/seawall stream spark --arms baseline,trigger-1s,all --reviews 5000 --rate 200
  bin/seawall stream spark --arms all-killed          kill the job, and have it go on from its checkpoint
  bin/seawall stream spark --master spark://10.0.0.5:7077 --driver-memory 2g    executors elsewhere (see below)
  bin/seawall stream spark --json                     the result for machines, on standard output

Arms: baseline collects a list per job, with a watermark of 3 days, a trigger of 3 s, 64 KB, lz4 and 50 ms for the
producers, and carries all columns; per-record, watermark-1h, trigger-1s, kafka-small (16 KB, none, 10 ms) and needed-
columns each change one of these; all changes them all, and all-killed is killed in between as well. The clock of the
reviews is simulated: days pass in seconds. Spark is an extra of 434 MB, and needs Java 17. Executors elsewhere have
to reach Kafka (SEAWALL_KAFKA_BOOTSTRAP_SERVERS), the results' directory, where the checkpoint is, and this
repository. What is claimed: docs/scenarios.md.

Exit codes: 0 each review's features are there once by key, and what is claimed was reached, 1 not so, 2 wrong usage or
set-up, such as no Spark, 3 not proven, 4 ended early, 130 interrupted (what was measured is written)."""


def stream_spark(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="240 reviews by baseline, all and all-killed.")] = False,
    reviews: Annotated[int | None, typer.Option(help="Reviews at the rate.", show_default="1200")] = None,
    rate: Annotated[float, typer.Option(help="Reviews a second.")] = 40.0,
    repeats: Annotated[float, typer.Option(help="So large a share of them comes twice.")] = 0.1,
    jobs: Annotated[int, typer.Option(help="Jobs among which they are spread.")] = 10,
    simulated_days: Annotated[float, typer.Option(help="Days that pass on the clock of the reviews.")] = 6.0,
    steps: Annotated[int, typer.Option(help="In so many jumps.")] = 24,
    arms: Annotated[
        str | None, typer.Option(help=f"Some of {', '.join(ARMS)}.", metavar="LIST", show_default="all of them")
    ] = None,
    master: Annotated[str, typer.Option(help="Spark's master.", metavar="URL")] = "local[*]",
    driver_memory: Annotated[str, typer.Option(help="The heap of Spark's driver.", metavar="SIZE")] = "1g",
    partitions: Annotated[int, typer.Option(help="Parts of the job's state.")] = 2,
    database: Database = "",
    brokers: Brokers = None,
    clean: Clean = False,
    seed: Seed = 1,
    drain_timeout: DrainTimeout = "180s",
    output: Output = None,
    table_style: TableStyle = "rounded",
    as_json: AsJson = False,
) -> None:
    """Have a Spark job find features of reviews: what does each setting change, and is any review lost or doubled?

    The features of each review are held against those of plain Python; a trial an arm on fresh state, on the stack that
    is up, or on one of its own.
    """
    chosen = names(arms) if arms is not None else QUICK if quick else ARMS
    options = SparkOptions(
        reviews=reviews if reviews is not None else 240 if quick else 1_200,
        rate_per_s=rate,
        repeats=repeats,
        jobs=jobs,
        simulated_days=simulated_days,
        steps=steps,
        arms=chosen,
        master=master,
        driver_memory=driver_memory,
        partitions=partitions,
        database=database,
        brokers=brokers,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout),
        seed=seed,
    )
    options.validate()
    check_table_style(table_style)
    require_spark()
    Scenario(
        name=SPARK,
        stack=options.stack(),
        asked=brokers is not None,
        clean=clean,
        output=output,
        table_style=table_style,
        as_json=as_json,
        counted=lambda result: f"{len(result.spark)} arms",
    ).carry_out(SparkProgress(error_console()), lambda stack, directory: SparkRun(options, stack, directory).run)
