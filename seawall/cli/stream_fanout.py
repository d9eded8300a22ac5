"""`stream fanout`: the same records for one group and for many, from the log and copied through the database."""

from __future__ import annotations

from typing import Annotated

import typer

from seawall.cli.consoles import error_console
from seawall.cli.option_values import check_table_style, names, seconds, whole_numbers
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
from seawall.experiments.stream_fanout import FanoutRun
from seawall.experiments.stream_fanout_options import FanoutOptions
from seawall.report.fanout_words import in_words
from seawall.result.fanout import FANOUT, FanoutFinding

EXAMPLES = """[bold]Examples[/]

  bin/seawall stream fanout                        1, 2, 4 and 8 groups, 20,000 orders a trial
  bin/seawall stream fanout --groups 1,8 --records 200000
  bin/seawall stream fanout --ways log             without copies through the database
  bin/seawall stream fanout --groups 1,5 --slow 500ms
  bin/seawall stream fanout --slow 0 --no-stumble --no-rebuild    only the numbers of groups
  bin/seawall stream fanout --groups 1,2 --records 2000 --json    the result for machines, on standard output

Groups, in the order in which they are added: the one that stores (the ordinary sink), analytics, notification, search,
archive, and analytics, search and archive again. By the log each reads it; by the database a trigger copies each row
into a queue for each group, which it empties. Whatever a group has made is held against the table: docs/scenarios.md.

Exit codes: 0 all is right and the storing group has kept its throughput for the same processor time, 1 not so, or
something was lost, 2 wrong usage or set-up, 3 not proven, 4 ended early, 130 interrupted (what was measured is
written)."""


def stream_fanout(
    *,
    records: Annotated[int, typer.Option(help="Orders a trial, written as fast as the log takes them.")] = 20_000,
    groups: Annotated[str, typer.Option(help="Numbers of groups, 1 to 8.", metavar="LIST")] = "1,2,4,8",
    ways: Annotated[str, typer.Option(help="How groups get their records: log, database.", metavar="LIST")] = (
        "log,database"
    ),
    slow: Annotated[
        str, typer.Option(help="By so much each batch of the slow group takes longer; 0 for none.", metavar="TIME")
    ] = "100ms",
    stumble: Annotated[bool, typer.Option(help="Have a group stumble over one record.")] = True,
    rebuild: Annotated[bool, typer.Option(help="Lose the table, and build it again from the log.")] = True,
    database: Database = "",
    brokers: Brokers = None,
    sinks: Sinks = None,
    clean: Clean = False,
    seed: Seed = 1,
    drain_timeout: DrainTimeout = "120s",
    output: Output = None,
    table_style: TableStyle = "rounded",
    as_json: AsJson = False,
) -> None:
    """Have many groups read the same records: what does storing lose by it, and what does a slow group do to others?

    A trial each on fresh state, audited; on the stack that is up, or on one of its own.
    """
    options = FanoutOptions(
        records=records,
        groups=whole_numbers("--groups", groups),
        ways=names(ways),
        slow_ms=seconds("--slow", slow) * 1000,
        stumble=stumble,
        rebuild=rebuild,
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
        name=FANOUT,
        stack=options.stack(),
        asked=asked,
        clean=clean,
        output=output,
        table_style=table_style,
        as_json=as_json,
        counted=lambda result: f"{len(result.fanout)} trials",
    ).carry_out(_Progress(error_console()), lambda stack, directory: FanoutRun(options, stack, directory).run)


class _Progress(ScenarioProgress):
    """Says each finding in words."""

    def finding(self, number: int, total: int, finding: FanoutFinding) -> None:
        """Print what became of a trial."""
        self.trial_ended(number, total, f"{finding.arm} {finding.count}", finding.outcome, in_words(finding))
