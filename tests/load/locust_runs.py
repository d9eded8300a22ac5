"""Locust with one of the project's locustfiles, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from seawall.stack.places import ROOT


def command(locustfile: str, *arguments: str) -> list[str]:
    """Return the command line."""
    return [str(Path(sys.executable).with_name("locust")), "-f", str(ROOT / "locustfiles" / locustfile), *arguments]


def run_locust(
    locustfile: str, *arguments: str, cwd: Path, within_s: float = 60.0, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run it from another directory, to its end."""
    return subprocess.run(
        command(locustfile, *arguments),
        cwd=cwd,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
