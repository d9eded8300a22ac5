"""Follows a plain Locust run while it goes on, and says how it stands: for those who watch Locust's page."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from seawall.audit.ledger import LedgerParts
from seawall.experiments.recorded import judged_so_far
from seawall.experiments.recorded_trial import Recorded, Standard
from seawall.load.run_record import RunRecord
from seawall.load.standing import Row, Standing, Step
from seawall.report.standing_rows import standing_rows
from seawall.result import Result

REST = 10
"""So many times as long as a look took is rested before the next: the machine is there for the load."""
STEP_EVERY_S = 0.25
_STEPS = {
    "draining": "waiting for the log: {:,} of its records have no row yet",
    "auditing": "the audit holds {:,} records against their rows",
}


class Live:
    """Says how one run stands, a line of JSON at a time."""

    def __init__(self, directory: Path, standard: Standard) -> None:
        self._directory = directory
        self._standard = standard
        self._last = Standing(step="running", outcome="", rows=[Row(what="verdict so far", why="no request yet")])
        self._said_s = 0.0
        with contextlib.suppress(OSError):
            os.nice(19)

    def follow(self) -> bool:
        """Look at the run for each record of it that comes on standard input; return whether it has ended.

        False where the input ends before that: whoever made the load is gone.
        """
        parts, rest_until = LedgerParts(self._directory), 0.0
        for record in _records():
            if record.ended_ns:
                return True
            begun = time.monotonic()
            if begun < rest_until:
                continue
            parts.read_new()
            if parts:
                result = judged_so_far(Recorded.so_far(self._directory, record, parts.whole()), self._standard)
                self._say("running", result)
            else:
                _write(self._last)
            now = time.monotonic()
            rest_until = now + REST * (now - begun)
        return False

    def step(self, step: str, records: int) -> None:
        """Say how far the audit is, above what was measured."""
        now = time.monotonic()
        if step == self._last.step and now < self._said_s + STEP_EVERY_S:
            return
        self._said_s = now
        first = Row(what="verdict", why=_STEPS[step].format(records))
        rows = [first, *self._last.rows[1:]]
        self._last = msgspec.structs.replace(self._last, step=msgspec.convert(step, Step), outcome="", rows=rows)
        _write(self._last)

    def judged(self, result: Result, report: Path) -> None:
        """Say what the verdict is."""
        self._say("judged", result, str(report.resolve()))

    def _say(self, step: Step, result: Result, report: str = "") -> None:
        verdict = "verdict" if step == "judged" else "verdict so far"
        rows = standing_rows(result, verdict=verdict)
        self._last = Standing(step=step, outcome=str(result.outcome), rows=rows, report=report)
        _write(self._last)


def _records() -> Iterator[RunRecord]:
    for line in sys.stdin.buffer:
        yield msgspec.json.decode(line, type=RunRecord)


def _write(standing: Standing) -> None:
    print(msgspec.json.encode(standing).decode(), flush=True)
