"""`scale --autoscale`: processes come and go while a load runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rich.markup import escape

from contract.connections import Connections
from seawall.cli.consoles import error_console
from seawall.cli.elasticity_progress import ElasticityProgress
from seawall.cli.ending import leave, outcome_text, show, write_files
from seawall.cli.experiment_place import OwnStacks
from seawall.cli.interruption import interruptible
from seawall.cli.results_directory import free_directory
from seawall.cli.running_stack import refuse_running_stack
from seawall.experiments.elasticity import Elasticity
from seawall.experiments.elasticity_options import KINDS, ElasticityOptions
from seawall.experiments.errors import BadOptions
from seawall.experiments.manifests import api_scaling, sink_scaling
from seawall.report.elasticity_tables import elasticity_lines, elasticity_tables
from seawall.report.files import write_reports
from seawall.result import Result
from seawall.stack.limits import Limits


def scale_under_load(
    options: ElasticityOptions, output: Path | None, style: str, *, clean: bool, as_json: bool
) -> None:
    """Run it, print what came of it, and leave with its exit code."""
    if options.what not in KINDS:
        raise BadOptions([f"--autoscale: unknown {options.what!r}, known are {', '.join(KINDS)}"])
    scaling = sink_scaling() if options.what == "sinks" else api_scaling()
    settled = options.settled(scaling.behaviour)
    settled.validate(Limits.read(), Connections.read())
    refuse_running_stack("this needs one with as many processes as there may be", "wait for it to end")
    with interruptible():
        directory = free_directory(output, "scale")
        with (
            OwnStacks("scale", directory, clean=clean)(settled.stack_options(), "") as stack,
            ElasticityProgress(error_console()) as progress,
        ):
            run = Elasticity(settled, scaling, stack, directory)
            result = run.run(progress, lambda result: write_files(result, directory))
    with error_console().status("Drawing the report"):
        write_reports(result, directory)
    show(directory, elasticity_tables(result, style), _lines(result, directory), as_json=as_json)
    leave(result)


def _lines(result: Result, directory: Path) -> Iterator[str]:
    for finding in result.elasticity:
        yield from map(escape, elasticity_lines(finding))
    yield from map(escape, result.reasons)
    yield f"{outcome_text(result)}. Results: {os.path.relpath(directory)}"
