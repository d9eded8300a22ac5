"""The directory of an experiment's results."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import typer

from seawall.cli.consoles import error_console
from seawall.stack.stack import Stack


def free_directory(output: Path | None, verb: str) -> Path:
    """Return where the results go: nothing is there yet, and nothing is made before there is something to write.

    Raises `typer.BadParameter` where *output* holds something already.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    directory = output or Path("results") / f"{stamp}-{verb}"
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise typer.BadParameter(f"{directory} exists and is not an empty directory", param_hint="--output")
    return directory


def make_directory(directory: Path) -> None:
    """Make the directory and its `raw`; raises `typer.BadParameter` where that cannot be."""
    try:
        (directory / "raw").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"{directory} cannot be made: {error.strerror}", param_hint="--output") from None


def keep_server_logs(stack: Stack, directory: Path, name: str = "") -> None:
    """Copy the logs of the stack's servers to `logs`, or to a directory of that *name* in it.

    Where they cannot be written it says so, and goes on: the result is there, and worth more.
    """
    logs = directory / "logs" / name
    try:
        logs.mkdir(parents=True, exist_ok=True)
        for service_name, service in stack.state.services.items():
            if service.log and Path(service.log).exists():
                shutil.copy(service.log, logs / f"{service_name}.log")
    except OSError as error:
        error_console().print(f"The servers' logs could not be copied to {logs}: {error.strerror}.")
