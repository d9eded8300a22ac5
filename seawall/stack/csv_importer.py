"""The importer of CSV files as the instrument runs it: processes of its own, never imported."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from seawall.stack.children import last_lines
from seawall.stack.errors import ServerFailed
from seawall.stack.places import ROOT
from seawall.stack.stack import Stack
from seawall.stack.worker import Worker

MODULE = "workers.csv_import"
_LOOKED_WITHIN_S = 600.0


class ImportProcess(Worker):
    """A process of the import, whose lines are JSON."""

    def __init__(self, stack: Stack, name: str, place: Path, *words: str) -> None:
        """Start it with *words* as its arguments; its output and log lie in *place* under its *name*."""
        super().__init__(MODULE, stack, {}, *words, output=place / f"{name}.jsonl", log=place / f"{name}.log")

    def complaint(self) -> str:
        """Return what it wrote to its log last."""
        return said_by(last_lines(self.log))


def look_at(path: Path, options: Sequence[str]) -> tuple[dict[str, Any], str]:
    """Have the importer look at a file without any server; return how it would be read, or else what is wrong with it.

    Raises `ServerFailed` where it comes to no end.
    """
    command = [sys.executable, "-P", "-m", MODULE, "check", str(path), *options]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LOOKED_WITHIN_S, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ServerFailed(f"{path} could not be looked at within {_LOOKED_WITHIN_S:.0f} s") from None
    if done.returncode:
        return {}, said_by(done.stderr) or f"{ROOT / 'workers' / 'csv_import'} ended with {done.returncode}"
    found: dict[str, Any] = msgspec.json.decode(done.stdout)
    return found, ""


def said_by(text: str) -> str:
    """Return the last line of *text* without the program's name."""
    lines = text.strip().splitlines()
    return lines[-1].removeprefix("csv: ") if lines else ""
