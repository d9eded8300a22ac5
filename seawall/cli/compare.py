"""`compare`: the write paths side by side under real load."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from contract.entities import ENTITIES
from seawall.cli.consoles import error_console, output_console
from seawall.cli.exits import Exit, exit_of
from seawall.cli.running_stack import stack_for
from seawall.experiments.arms import PATHS
from seawall.experiments.compare import Comparison
from seawall.experiments.compare_options import PARTS, CompareOptions
from seawall.experiments.trial import TrialPlan
from seawall.load.trial import Progress as LoadProgress
from seawall.report.compare_tables import TABLE_STYLES, comparison_tables
from seawall.report.summary_csv import write_summary
from seawall.report.verdicts import verdict_lines
from seawall.result import Outcome, Result, Trial, write_result
from seawall.stack.options import StackOptions
from seawall.stack.places import ROOT
from seawall.stack.stack import Stack
from seawall.targets.parse import parse_targets
from seawall.targets.target import Targets

EXAMPLES = """[bold]Examples[/]

  bin/seawall compare                          all paths and entities, about 5 minutes
  bin/seawall compare --quick                  a first look in 90 seconds
  bin/seawall compare --parts load --users 200 --rate 20
  bin/seawall compare --paths sync,kafka --entities orders --counts 100,10000
  bin/seawall compare --brokers 3 --sinks 3    Kafka with three brokers and three sinks
  bin/seawall compare --gate kafka             a gate for CI: the exit code is that path's verdict against targets.toml
  bin/seawall compare --quick --json           the result for machines, on standard output

Exit codes: 0 every trial valid and its audit clean, 1 something lost, pending or wrong, 2 wrong usage or set-up,
4 a trial was invalid, 130 interrupted (what was measured is written). With --gate: 0 the path's targets hold, 1 one
is missed, 3 an interval straddles a limit, 4 a figure says nothing; anything lost is 1 whatever the gate."""


def compare(
    *,
    paths: Annotated[str, typer.Option(help=f"Write paths: {', '.join(PATHS)}.", metavar="LIST")] = ",".join(PATHS),
    entities: Annotated[str, typer.Option(help="Entities of the same-data part.", metavar="LIST")] = ",".join(ENTITIES),
    counts: Annotated[str, typer.Option(help="Records of each entity, same-data part.", metavar="LIST")] = "",
    parts: Annotated[str, typer.Option(help="Which parts to run: data, load.", metavar="LIST")] = ",".join(PARTS),
    users: Annotated[int, typer.Option(help="Users of the same-load part.")] = 200,
    rate: Annotated[float, typer.Option(help="Requests a second of each user.")] = 5.0,
    duration: Annotated[str, typer.Option(help="Judged time of a load trial, like 10s or 1m.", metavar="TIME")] = "",
    warmup: Annotated[str, typer.Option(help="Time before it that is not judged.", metavar="TIME")] = "",
    clients: Annotated[int, typer.Option(help="Concurrent users of the same-data part.")] = 50,
    load_entity: Annotated[str, typer.Option(help="Records of the same-load part: an entity, or mixed.")] = "mixed",
    brokers: Annotated[
        int | None, typer.Option(help="Kafka brokers: 1 or 3.  [default: 1]", show_default=False)
    ] = None,
    sinks: Annotated[int | None, typer.Option(help="Sink workers.  [default: 1]", show_default=False)] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Two trials an arm, one count, short load: 90 s.")] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Remove rows of earlier runs without asking.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep them: trials do not start on fresh state.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of contents and of the users' phases.")] = 1,
    drain_timeout: Annotated[str, typer.Option(help="How long the log may take to drain.", metavar="TIME")] = "60s",
    gate: Annotated[
        str | None, typer.Option(help="The path whose verdict is the exit code.", show_default=False)
    ] = None,
    targets: Annotated[Path, typer.Option(help="File of targets.", show_default="targets.toml")] = ROOT
    / "targets.toml",
    output: Annotated[Path | None, typer.Option(help="Directory of the results.", show_default=False)] = None,
    table_style: Annotated[str, typer.Option(help=f"Look of the tables: {', '.join(TABLE_STYLES)}.")] = "rounded",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON instead of tables.")] = False,
) -> None:
    """Compare writing straight to the database with writing through Kafka, on real servers under real load.

    Every record is followed to its row; delay counts until the row is visible. Runs on the stack that is up, or
    starts one for the time of the comparison.
    """
    options = CompareOptions(
        paths=_names(paths),
        entities=_names(entities),
        counts=_numbers("--counts", counts or ("500" if quick else "100,500,1000")),
        parts=_names(parts),
        clients=clients,
        users=users,
        rate_per_s=rate,
        duration_s=_seconds("--duration", duration or ("4s" if quick else "10s")),
        warmup_s=_seconds("--warmup", warmup or ("1s" if quick else "2s")),
        load_entity=load_entity,
        blocks=1 if quick else 2,
        drain_timeout_s=_seconds("--drain-timeout", drain_timeout),
        seed=seed,
        keep=keep,
        gate=gate,
    )
    options.validate()
    judged_by = _read_targets(targets)
    if table_style not in TABLE_STYLES:
        raise typer.BadParameter(
            f"unknown {table_style!r}, known are {', '.join(TABLE_STYLES)}", param_hint="--table-style"
        )
    if clean and keep:
        raise typer.BadParameter("--clean and --keep exclude each other", param_hint="--clean")
    with interruptible():
        directory = _free_directory(output)
        needs_kafka = "kafka" in options.paths
        wanted = StackOptions(brokers=brokers or 1, sinks=sinks or 1, kafka=needs_kafka)
        with stack_for(wanted, "compare", asked=brokers is not None or sinks is not None) as stack:
            _settle_rows(stack, clean=clean, keep=keep)
            _make(directory)
            try:
                result = _run(Comparison(options, judged_by, stack, directory), directory)
            finally:
                _keep_server_logs(stack, directory)
    _show(result, directory, table_style, as_json=as_json)
    raise typer.Exit(_exit_code(result, gate))


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM end the experiment as Ctrl-C does: what was started is stopped, what was measured is written."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _ProgressBar:
    """Shows a comparison's progress: a bar on a terminal, a line a trial elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def trial_starts(self, plan: TrialPlan, number: int, total: int) -> None:
        if self._task is None:
            self._task = self._bar.add_task("", total=total)
        self._number, self._total = number, total
        self._bar.update(self._task, completed=number - 1, description=plan.load.name)

    def trial_goes_on(self, plan: TrialPlan, progress: LoadProgress) -> None:
        if self._task is not None:
            failed = f", {progress.failed:,} failed" if progress.failed else ""
            self._bar.update(self._task, description=f"{plan.load.name}: {progress.answered:,} answered{failed}")

    def trial_ended(self, trial: Trial) -> None:
        if self._task is not None:
            self._bar.update(self._task, advance=1)
        for reason in trial.reasons:
            self._console.print(f"[yellow]{trial.name}[/]: {reason}")
        for name, count in trial.restarts.items():
            self._console.print(f"[yellow]{trial.name}[/]: {name} died and was started again ({count} x)")
        if not self._console.is_terminal and (trial.kind == "load" or self._number % 10 == 0):
            self._console.print(f"{self._number}/{self._total} {trial.name}: {trial.achieved_per_s:,.0f} rows/s")


def _run(comparison: Comparison, directory: Path) -> Result:
    def write(result: Result) -> None:
        write_result(result, directory / "result.json")
        write_summary(result, directory / "summary.csv")

    with _ProgressBar(error_console()) as progress:
        return comparison.run(progress, write)


def _show(result: Result, directory: Path, style: str, *, as_json: bool) -> None:
    console = output_console()
    if as_json:
        sys.stdout.write((directory / "result.json").read_text(encoding="utf-8"))
        return
    for table in comparison_tables(result, style):
        console.print(table)
        console.print()
    for line in verdict_lines(result):
        console.print(line)
    color = "green" if result.outcome is Outcome.PASS else "red"
    for reason in result.reasons:
        console.print(f"[{color}]{reason}[/]")
    for trial in result.trials:
        for name, ids in trial.examples.items():
            console.print(f"[red]{trial.name}[/]: {name}: {', '.join(ids)}")
    console.print(f"[{color}]{_sentence(result)}[/] Results: {os.path.relpath(directory)}")


def _sentence(result: Result) -> str:
    trials = len(result.trials)
    records = sum(trial.audit.attempted for trial in result.trials)
    if result.outcome is Outcome.PASS:
        return f"All {trials} trials valid; {records:,} records sent, each one accounted for, nothing lost."
    bad = sum(trial.outcome is not Outcome.PASS for trial in result.trials)
    return f"{result.outcome.value}: {bad} of {trials} trials did not come out clean."


def _exit_code(result: Result, gate: str | None) -> int:
    if result.outcome is Outcome.FAIL:  # something was lost, whichever arm is the gate
        return Exit.FAIL
    if result.interrupted:
        return Exit.INTERRUPTED
    return exit_of(result.outcome if gate is None else result.verdicts.get(gate, Outcome.INVALID))


def _read_targets(path: Path) -> Targets:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise typer.BadParameter(f"{path} cannot be read: {reason}", param_hint="--targets") from None
    return parse_targets(text, str(path))


def _settle_rows(stack: Stack, *, clean: bool, keep: bool) -> None:
    """Find out what to do with rows of earlier runs."""
    rows = {name: count for name, count in stack.row_counts().items() if count}
    if not rows or clean or keep:
        return
    found = ", ".join(f"{count:,} {name}" for name, count in rows.items())
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            f"the tables hold {found} of earlier runs: give --clean or --keep", param_hint="--clean"
        )
    if not typer.confirm(f"The tables hold {found} of earlier runs. Clean up?", err=True):
        raise typer.BadParameter(
            "nothing was changed; --keep runs the comparison beside those rows", param_hint="--clean"
        )


def _free_directory(output: Path | None) -> Path:
    """Return where the results go: nothing is there yet, and nothing is made before there is something to write."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    directory = output or Path("results") / f"{stamp}-compare"
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise typer.BadParameter(f"{directory} exists and is not an empty directory", param_hint="--output")
    return directory


def _make(directory: Path) -> None:
    try:
        (directory / "raw").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"{directory} cannot be made: {error.strerror}", param_hint="--output") from None


def _keep_server_logs(stack: Stack, directory: Path) -> None:
    (directory / "logs").mkdir(exist_ok=True)
    for name, service in stack.state.services.items():
        if service.log and Path(service.log).exists():
            shutil.copy(service.log, directory / "logs" / f"{name}.log")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(name.replace("_", "")) for name in _names(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of whole numbers like 100,500", param_hint=option) from None


def _seconds(option: str, text: str) -> float:
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    for unit in ("ms", "s", "m", "h"):
        if text.endswith(unit):
            text_number, factor = text.removesuffix(unit), units[unit]
            break
    else:
        text_number, factor = text, 1.0
    try:
        return float(text_number) * factor
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time like 10s or 1m", param_hint=option) from None
