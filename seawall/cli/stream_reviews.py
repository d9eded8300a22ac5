"""`stream reviews`: reviews judged by a slow model, in micro-batches, one by one and job by job."""

from __future__ import annotations

from typing import Annotated

import typer

from seawall.cli.consoles import error_console
from seawall.cli.option_values import check_table_style, names, seconds, weights
from seawall.cli.reviews_progress import ReviewsProgress
from seawall.cli.scenario_run import Scenario
from seawall.cli.shared_options import AsJson, Brokers, Clean, Database, DrainTimeout, Output, Seed, TableStyle
from seawall.experiments.stream_reviews import ReviewsRun
from seawall.experiments.stream_reviews_options import ReviewsOptions
from seawall.result.reviews import REVIEWS

EXAMPLES = """[bold]Examples[/]

  bin/seawall stream reviews                        200 reviews by each arm: about two minutes
  bin/seawall stream reviews --arms batch,one-by-one --reviews 1000 --rate 100
  bin/seawall stream reviews --arms batch --batch 50 --wait 3s --in-flight 4
  bin/seawall stream reviews --latency 500ms --latency-per-review 50ms    a model that minds how much it is asked
  bin/seawall stream reviews --faults errors=0.1,nonsense=0.05,halves=0.1,mute=0.02    a model that fails
  bin/seawall stream reviews --rate-limit 5         it answers five calls a second, and 429 to others
  bin/seawall stream reviews --model-url http://127.0.0.1:8000/v1 --model NAME    a model of yours, asked for real
  bin/seawall stream reviews --json                 the result for machines, on standard output

Arms: batch asks about --batch reviews at once, or about what there is --wait after the first of them; one-by-one about
each; per-job about those of a job that came within --wait; lists the same, but a message holds all reviews of a job and
nothing waits. The model is real lexicons for Korean and English behind an HTTP API, and how slow, limited and faulty it
is is simulated. Any API that speaks OpenAI's chat completions can take its place; its key is that of
SEAWALL_REVIEWS_MODEL_KEY. What is claimed: docs/scenarios.md.

Exit codes: 0 each review has one result or dead letter, in time, 1 not so, 2 wrong usage or set-up, 3 not proven, 4
ended early, 130 interrupted (what was measured is written)."""


def stream_reviews(
    *,
    reviews: Annotated[int, typer.Option(help="Reviews that each arm gets, half of them in Korean.")] = 200,
    jobs: Annotated[int, typer.Option(help="Jobs among which they are spread.")] = 10,
    rate: Annotated[float, typer.Option(help="Reviews a second.")] = 40.0,
    arms: Annotated[
        str, typer.Option(help="What a call asks about: batch, one-by-one, per-job, lists.", metavar="LIST")
    ] = "batch,one-by-one,per-job,lists",
    batch: Annotated[int, typer.Option(help="Most reviews of a batch.")] = 20,
    wait: Annotated[str, typer.Option(help="No batch waits longer from its first review on.", metavar="TIME")] = "10s",
    in_flight: Annotated[int, typer.Option(help="Calls under way side by side.")] = 8,
    latency: Annotated[str, typer.Option(help="How long a call takes, simulated.", metavar="TIME")] = "1s",
    latency_per_review: Annotated[
        str, typer.Option(help="How much longer for each review in it.", metavar="TIME")
    ] = "0",
    rate_limit: Annotated[
        float, typer.Option(help="The model answers more calls a second with 429; 0 for no limit.")
    ] = 0.0,
    faults: Annotated[
        str, typer.Option(help="Shares of calls: errors, nonsense, halves; of texts: mute.", metavar="LIST")
    ] = "",
    model_url: Annotated[
        str, typer.Option(help="An OpenAI-compatible API in place of our service.", metavar="URL")
    ] = "",
    model: Annotated[str, typer.Option(help="Which of its models.", metavar="NAME")] = "seawall-lexicons",
    database: Database = "",
    brokers: Brokers = None,
    clean: Clean = False,
    seed: Seed = 1,
    drain_timeout: DrainTimeout = "120s",
    output: Output = None,
    table_style: TableStyle = "rounded",
    as_json: AsJson = False,
) -> None:
    """Have reviews judged by a slow model, in batches, one by one and job by job: how fast, for how many calls?

    Each review is held against its result; a trial an arm on fresh state, on the stack that is up, or on one of its
    own.
    """
    options = ReviewsOptions(
        reviews=reviews,
        jobs=jobs,
        rate_per_s=rate,
        arms=names(arms),
        batch=batch,
        wait_s=seconds("--wait", wait),
        in_flight=in_flight,
        latency_s=seconds("--latency", latency),
        latency_per_review_s=seconds("--latency-per-review", latency_per_review),
        calls_per_s=rate_limit,
        faults=weights("--faults", faults),
        model_url=model_url,
        model=model,
        database=database,
        brokers=brokers,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout),
        seed=seed,
    )
    options.validate()
    check_table_style(table_style)
    Scenario(
        name=REVIEWS,
        stack=options.stack(),
        asked=brokers is not None,
        clean=clean,
        output=output,
        table_style=table_style,
        as_json=as_json,
        counted=lambda result: f"{len(result.reviews)} arms",
    ).carry_out(ReviewsProgress(error_console()), lambda stack, directory: ReviewsRun(options, stack, directory).run)
