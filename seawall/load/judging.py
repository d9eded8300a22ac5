"""Has a recorded run judged, by a process of its own: reading, statistics and pictures would block Locust's loop."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

from gevent import subprocess

from seawall.load.options import judging_options
from seawall.stack.places import ROOT

JUDGED_WITHIN_S = 900.0
SETUP = 2

logger = logging.getLogger(__name__)


def is_judged(options: Any, *, has_page: bool) -> bool:
    """Tell whether the run of these options is judged at its end: it is recorded, and no page keeps Locust running."""
    return bool(options.record or options.csv_prefix) and not (has_page or options.no_verdict or options.worker)


def verdict_of(directory: Path, options: Any) -> tuple[int, list[str]]:
    """Judge the run that was recorded in *directory*, and return the exit code with the lines to be said.

    Its result, report and JUnit file appear beside Locust's CSV files, or in *directory* where there are none.
    """
    targets, skip_s = judging_options(options)
    words = [sys.executable, "-P", "-m", "seawall.cli.recorded", str(directory), "--targets", str(targets)]
    words += ["--judge-from-s", str(skip_s)]
    words += ["--prefix", options.csv_prefix] if options.csv_prefix else []
    words += ["--attain"] if options.attain else []
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,  # a second Ctrl-C is for Locust, which ends this process
    )
    try:
        said, _ = process.communicate(timeout=JUDGED_WITHIN_S)
    except subprocess.TimeoutExpired:
        return SETUP, [f"the run could not be judged within {JUDGED_WITHIN_S:.0f} s; its requests are in {directory}"]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    lines = said.splitlines()
    if process.returncode < 0:
        lines.append(f"judging the run was ended by signal {-process.returncode}; its requests are in {directory}")
    return process.returncode if process.returncode >= 0 else SETUP, lines
