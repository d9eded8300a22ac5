"""Options that several experiments have, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contract.connections import DATABASES
from seawall.experiments.arms import PATHS
from seawall.report.table_styles import TABLE_STYLES
from seawall.stack.places import ROOT

TARGETS_FILE = ROOT / "targets.toml"

Paths = Annotated[
    str,
    typer.Option(
        "--paths",
        "--path",
        help=f"Write paths: {', '.join(PATHS)}.  \\[default: all]",
        metavar="LIST",
        show_default=False,
    ),
]
OnePath = Annotated[str, typer.Option("--path", help=f"Write path: {', '.join(PATHS)}.")]
Rate = Annotated[float, typer.Option(help="Requests a second, of all users together.")]
Users = Annotated[int, typer.Option(help="Users that share the load.")]
Warmup = Annotated[str, typer.Option(help="Time before it that is not judged.", metavar="TIME")]
Entity = Annotated[str, typer.Option(help="Records: an entity, or mixed.")]
Database = Annotated[
    str,
    typer.Option(
        "--database",
        help=f"{' or '.join(DATABASES)}.  \\[default: that of SEAWALL_DATABASE_URL, else {DATABASES[0]}]",
        metavar="NAME",
        show_default=False,
    ),
]
Brokers = Annotated[int | None, typer.Option(help="Kafka brokers: 1 or 3.  \\[default: 1]", show_default=False)]
Sinks = Annotated[int | None, typer.Option(help="Sink workers.  \\[default: 1]", show_default=False)]
ApiProcesses = Annotated[
    int | None, typer.Option(help="API processes that share one port.  \\[default: 1]", show_default=False)
]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", help="A file of Kafka's settings to start the stack with.", show_default=False),
]
Profile = Annotated[
    str,
    typer.Option(
        "--profile",
        help="Such a file by its name in profiles/: throughput, latency, durability or balanced.",
        metavar="NAME",
        show_default=False,
    ),
]
Clean = Annotated[bool, typer.Option("--clean", help="Remove rows of earlier runs without asking.")]
Seed = Annotated[int, typer.Option(help="Seed of contents and of the users' phases: the same one sends the same.")]
DrainTimeout = Annotated[str, typer.Option(help="How long the log may take to drain.", metavar="TIME")]
TargetsFile = Annotated[Path, typer.Option(help="File of targets.", show_default="targets.toml")]
Output = Annotated[Path | None, typer.Option(help="Directory of the results.", show_default=False)]
TableStyle = Annotated[str, typer.Option(help=f"Look of the tables: {', '.join(TABLE_STYLES)}.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON instead of tables.")]
