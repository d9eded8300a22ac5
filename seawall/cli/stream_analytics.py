"""`stream analytics`: live figures by windows, by a consumer of the log and by queries on the table."""

from __future__ import annotations

from typing import Annotated

import typer

from seawall.cli.consoles import error_console
from seawall.cli.option_values import check_table_style, seconds, share
from seawall.cli.scenario_progress import ScenarioProgress
from seawall.cli.scenario_run import Scenario
from seawall.cli.shared_options import (
    AsJson,
    Brokers,
    Clean,
    Database,
    DrainTimeout,
    Output,
    Seed,
    Sinks,
    TableStyle,
)
from seawall.experiments.stream_analytics import AnalyticsRun
from seawall.experiments.stream_analytics_options import AnalyticsOptions
from seawall.report.analytics_words import in_words
from seawall.result.live_analytics import ANALYTICS, AnalyticsFinding

EXAMPLES = """[bold]Examples[/]

  bin/seawall stream analytics                           300 orders a second for 30 s, windows of 5 s
  bin/seawall stream analytics --rate 1000 --duration 2m
  bin/seawall stream analytics --window 1m --lateness 10s --refresh 100ms
  bin/seawall stream analytics --late 10% --too-late 1% --repeated 10%
  bin/seawall stream analytics --duration 10s --json     the result for machines, on standard output

Orders are written straight to the log, on a schedule, with event times of their own, some of them late and some of
them twice; the sink stores them as always. A trial has nobody who makes figures of them, one a consumer of the log, and
one queries on the table (which has an index for that) as often as the consumer publishes. What was published is held
against the table in the end, window by window: docs/scenarios.md.

Exit codes: 0 all figures are right, and the consumer's at most 1 s behind, 1 not so, or something was lost, 2 wrong
usage or set-up, 3 not proven, 4 the feed was late, 130 interrupted (what was measured is written)."""


def stream_analytics(
    *,
    rate: Annotated[float, typer.Option(help="Orders a second, those sent again included.")] = 300.0,
    duration: Annotated[str, typer.Option(help="How long they are sent.", metavar="TIME")] = "30s",
    window: Annotated[str, typer.Option(help="Length of a window.", metavar="TIME")] = "5s",
    lateness: Annotated[
        str, typer.Option(help="How long a window that has ended waits for late records.", metavar="TIME")
    ] = "2s",
    refresh: Annotated[
        str, typer.Option(help="How often figures are published, or the table is asked.", metavar="TIME")
    ] = "250ms",
    late: Annotated[str, typer.Option(help="Share of records that come out of order.", metavar="SHARE")] = "2%",
    too_late: Annotated[
        str, typer.Option(help="Share of records that come when their window is closed.", metavar="SHARE")
    ] = "0.5%",
    repeated: Annotated[str, typer.Option(help="Share of records that are sent twice.", metavar="SHARE")] = "2%",
    database: Database = "",
    brokers: Brokers = None,
    sinks: Sinks = None,
    clean: Clean = False,
    seed: Seed = 1,
    drain_timeout: DrainTimeout = "60s",
    output: Output = None,
    table_style: TableStyle = "rounded",
    as_json: AsJson = False,
) -> None:
    """Count orders by windows, live: how far behind is a consumer of the log, and what do queries cost the database?

    A trial each on fresh state, audited; on the stack that is up, or on one of its own.
    """
    options = AnalyticsOptions(
        rate_per_s=rate,
        duration_s=seconds("--duration", duration),
        window_s=seconds("--window", window),
        lateness_s=seconds("--lateness", lateness),
        refresh_ms=seconds("--refresh", refresh) * 1000,
        late_share=share("--late", late),
        too_late_share=share("--too-late", too_late),
        repeat_share=share("--repeated", repeated),
        database=database,
        brokers=brokers,
        sinks=sinks,
        drain_timeout_s=seconds("--drain-timeout", drain_timeout),
        seed=seed,
    )
    options.validate()
    check_table_style(table_style)
    asked = any(number is not None for number in (brokers, sinks))
    Scenario(
        name=ANALYTICS,
        stack=options.stack(),
        asked=asked,
        clean=clean,
        output=output,
        table_style=table_style,
        as_json=as_json,
        counted=lambda result: f"{len(result.live_analytics)} trials",
    ).carry_out(_Progress(error_console()), lambda stack, directory: AnalyticsRun(options, stack, directory).run)


class _Progress(ScenarioProgress):
    """Says each finding in words."""

    def finding(self, number: int, total: int, finding: AnalyticsFinding) -> None:
        """Print what became of a trial."""
        self.trial_ended(number, total, finding.arm, finding.outcome, in_words(finding))
