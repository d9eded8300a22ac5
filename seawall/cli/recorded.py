"""Judges a plain Locust run: ``python -m seawall.cli.recorded DIRECTORY``, which the load side starts at its end."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape

from seawall.advice.advise import advised
from seawall.audit.errors import AuditError
from seawall.cli.exits import Exit, exit_of
from seawall.cli.recorded_live import Live
from seawall.experiments.errors import ExperimentError
from seawall.experiments.recorded import KAFKA, judged_run
from seawall.experiments.recorded_audit import unheard
from seawall.experiments.recorded_trial import Recorded, Standard
from seawall.report.advice_words import suggestions
from seawall.report.files import write_run_reports
from seawall.report.shape_table import shape_table
from seawall.report.shape_words import break_words
from seawall.report.verdicts import verdict_lines
from seawall.result import Result, write_result
from seawall.stack.stack import Stack
from seawall.targets.errors import TargetsError
from seawall.targets.parse import parse_targets


def main(arguments: list[str] | None = None) -> int:
    """Write result, page and JUnit file of a recorded run, print its verdict, and return the exit code."""
    parser = argparse.ArgumentParser(prog="seawall.cli.recorded", description=main.__doc__)
    parser.add_argument("directory", type=Path, help="where `locust --record` kept the run")
    parser.add_argument("--prefix", default="", help="as Locust's --csv; the directory itself by default")
    parser.add_argument("--targets", type=Path, required=True)
    parser.add_argument("--attain", action="store_true")
    parser.add_argument("--judge-from-s", type=float, default=0.0)
    parser.add_argument("--live", action="store_true", help="follow the run first, by its records on standard input")
    options = parser.parse_args(arguments)
    # Locust's --csv is the beginning of names, in a directory or not.
    place, start = os.path.split(f"{options.prefix}_") if options.prefix else (str(options.directory), "")
    output = Path(place or ".")
    try:
        targets = parse_targets(options.targets.read_text(encoding="utf-8"), str(options.targets))
        standard = Standard(targets, attain=options.attain, skip_s=options.judge_from_s)
        live = Live(options.directory, standard) if options.live else None
        if live is not None and not live.follow():
            return Exit.INTERRUPTED
        recorded = Recorded.read(options.directory)
        stack = _loaded_stack(recorded.record.host)
        try:
            place = os.path.relpath(options.directory, output)
            result = advised(judged_run(recorded, standard, stack, place, live.step if live else unheard))
        finally:
            if stack is not None:
                stack.close()
        write_result(result, output / f"{start}result.json")
        write_run_reports(result, output, start)
        if live is not None:
            live.judged(result, output / f"{start}report.html")
    except (ExperimentError, AuditError, TargetsError, OSError) as error:
        print(f"the run could not be judged: {error}")
        return Exit.SETUP
    console = Console(color_system=None, width=200, soft_wrap=True)
    if result.stages:
        console.print(shape_table(result, "simple"))
    for line in recorded_lines(result):
        console.print(line)
    files = (output / f"{start}result.json", output / f"{start}report.html")
    console.print(f"Result and report: {files[0]}, {files[1]}", markup=False)
    if not len(recorded.ledger.status):  # a worker that died told no count, and what it had handed in counts
        print("no request was sent: give it users and a time, and see whether they could reach the service")
        return Exit.SETUP
    return exit_of(result.outcome)


def _loaded_stack(host: str) -> Stack | None:
    """Return the stack that is up if *host* is its API, or its brokers."""
    stack = Stack.attach()
    if stack is None:
        return None
    if host.startswith(KAFKA):
        theirs_too = set((stack.connections.kafka_bootstrap_servers or "").split(","))
        return stack if theirs_too & set(host.removeprefix(KAFKA).split(",")) else None
    ours, theirs = urlsplit(stack.state.api_url), urlsplit(host)
    local = {"localhost": "127.0.0.1"}
    same = (local.get(ours.hostname or "", ours.hostname), ours.port) == (
        local.get(theirs.hostname or "", theirs.hostname),
        theirs.port,
    )
    return stack if same else None


def recorded_lines(result: Result) -> Iterator[str]:
    """Yield what is said of a recorded run: its verdict, what speaks against it, and its audit."""
    trial = result.trials[0]
    if result.targets:
        yield from verdict_lines(result)
    else:
        yield f"{escape(trial.arm)}: {result.outcome}, no target was judged"
    if broke := break_words(result):
        yield f"  {escape(broke)}"
    for reason in trial.reasons:
        yield f"  {escape(reason)}"
    for remark in result.reasons:
        yield f"  {escape(remark)}"
    yield f"  audit: {result.audit}"
    for one in suggestions(result):
        yield f"  {escape(one.about)}: {escape(one.says)} {escape(one.advice)}"
    if result.not_judged:
        yield f"  not judged without it: {escape(', '.join(result.not_judged))}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception:  # noqa: BLE001 - whatever it is, it is no verdict: Python's own code would say FAIL
        traceback.print_exc()
        sys.exit(Exit.SETUP)
