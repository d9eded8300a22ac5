"""One import of a file by one way: its processes, what they say, and when the last row was visible."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from seawall.experiments.errors import ImportFailed
from seawall.experiments.stream_csv_options import CsvOptions
from seawall.result.csv_import import KAFKA
from seawall.stack.csv_importer import ImportProcess
from seawall.stack.csv_tables import Span, rows_of_file
from seawall.stack.stack import Stack

IMPORTER, SINK = "importer", "sink"
_LOOK_S = 0.2
_SINK_READY_S = 180.0
_COUNTED = ("seen", "stored", "buried")
"""By the sink, since it began."""
_COUNTED_AT_MOST = 0.1
"""Of the time that is waited for the last row; counting takes the database's time, too."""

_NO_SPAN = Span(UUID(int=0), UUID(int=0))


@dataclass
class Imported:
    """What one import did, as its processes tell it."""

    begins: dict[str, Any] = field(default_factory=dict)
    """The importer's first line."""
    state: dict[str, Any] = field(default_factory=dict)
    """Its last one."""
    sunk: dict[str, Any] = field(default_factory=dict)
    """The sink's last one, without what it had done before."""
    earlier: dict[str, int] = field(default_factory=dict)
    """What the sink had to do with rows that an earlier import, which was killed, had left in the log."""
    span: Span = _NO_SPAN
    in_table: int = 0
    visible_ns: int | None = None
    """When the last row was; None where the log was not drained in time."""
    read: list[tuple[int, int]] = field(default_factory=list)
    """How many good rows were read by when, in nanoseconds of the monotonic clock."""
    visible: list[tuple[int, int]] = field(default_factory=list)
    """The same of those that were stored."""
    cpu_s: dict[str, float] = field(default_factory=dict)
    memory_bytes: dict[str, int] = field(default_factory=dict)

    @property
    def stored(self) -> int:
        """Rows that this run stored, by whoever writes them."""
        return int(self.state["stored"]) + int(self.sunk.get("stored", 0))

    @property
    def buried(self) -> int:
        """Messages that the sink could not store."""
        return int(self.sunk.get("buried", 0))

    @property
    def seen(self) -> int:
        """Messages that the sink has dealt with, also where their rows were in the table before."""
        return int(self.sunk.get("seen", 0)) + self.buried


OnState = Callable[[dict[str, Any], int], None]
"""Hears the importer's last state, and the file's size in bytes, a few times a second."""


def import_file(
    stack: Stack, options: CsvOptions, file: Path, way: str, place: Path, *, anew: bool, on_state: OnState
) -> Imported:
    """Import *file* by one *way* and wait until all of it is visible; files and logs go to *place*.

    What stops it stops its processes, and what is imported stays. Raises `ImportFailed`.
    """
    found = Imported()
    words = [way, str(file.absolute()), "--rejects", str((place / "rejects.csv").absolute()), *options.words()]
    words += ["--batch-rows", str(options.batch_rows), *(["--anew"] if anew else [])]
    with contextlib.ExitStack() as beside:
        sink = None
        if way == KAFKA:
            sink = beside.enter_context(ImportProcess(stack, SINK, place, "sink"))
            found.earlier = _await_ready(sink, options.drain_timeout_s)
        importer = beside.enter_context(ImportProcess(stack, IMPORTER, place, *words))
        code = None
        while code is None:
            time.sleep(_LOOK_S)
            code = importer.exit_code
            _hear(found, importer, sink)
            if found.state:
                on_state(found.state, int(found.begins["size_bytes"]))
        if code:
            raise ImportFailed(importer.complaint() or f"the import ended with {code}; see {importer.log}")
        _await_visible(stack, found, sink, options.drain_timeout_s)
    return found


def _await_ready(sink: ImportProcess, timeout_s: float) -> dict[str, int]:
    """Wait until the sink has its partitions, and is through with what an earlier import has left in the log.

    Returns how much that was, as the sink counts it.
    """
    behind: int | None = None
    done = dict.fromkeys(_COUNTED, 0)
    deadline_s = time.monotonic() + _SINK_READY_S
    while behind is None or done["seen"] + done["buried"] < behind:
        if sink.exit_code is not None:
            raise ImportFailed(f"the sink ended: {sink.complaint()}; see {sink.log}")
        if time.monotonic() > deadline_s:
            if behind is None:
                raise ImportFailed(f"the sink got no partition within {_SINK_READY_S:.0f} s; see {sink.log}")
            raise ImportFailed(
                f"the log holds {behind:,} rows of an earlier import, and the sink was not through with them within"
                f" {timeout_s:.0f} s: begin again, and it goes on from there; see {sink.log}"
            )
        for line in sink.news():
            if "assigned" in line:
                if behind is None:
                    deadline_s = time.monotonic() + timeout_s
                behind = (behind or 0) + int(line["behind"])
            else:
                done = {name: int(line[name]) for name in _COUNTED}
        time.sleep(_LOOK_S)
    return done


def _hear(found: Imported, importer: ImportProcess, sink: ImportProcess | None) -> None:
    """Take what the processes have said and used meanwhile."""
    for line in importer.news():
        if "begins" in line:
            found.begins, found.span = line, Span(UUID(line["file"]), UUID(line["last"]))
        else:
            found.state = line
            found.memory_bytes[IMPORTER] = line["memory_bytes"]
            found.read.append((line["at_ns"], line["good"]))
            if sink is None:
                found.visible.append((line["at_ns"], line["stored"]))
    if sink is not None:
        _hear_sink(found, sink)
    for name, process in ((IMPORTER, importer), (SINK, sink)):
        if process is not None and (use := process.use()) is not None:
            found.cpu_s[name] = round(use.cpu_s, 3)


def _hear_sink(found: Imported, sink: ImportProcess) -> None:
    for line in sink.news():
        if "seen" in line:
            found.sunk = line | {name: line[name] - found.earlier.get(name, 0) for name in _COUNTED}
            found.memory_bytes[SINK] = line["memory_bytes"]
            found.visible.append((line["at_ns"], found.sunk["stored"]))


def _await_visible(stack: Stack, found: Imported, sink: ImportProcess | None, timeout_s: float) -> None:
    """Wait until the table has all rows that the file has, and note when the last one was visible."""
    wanted = int(found.state["good"])
    deadline_s = time.monotonic() + timeout_s
    while True:
        begun_s = time.monotonic()
        found.in_table = rows_of_file(stack.connections, found.span)
        took_s = time.monotonic() - begun_s
        if sink is None:
            found.visible_ns = int(found.state["at_ns"])
            return
        _hear_sink(found, sink)
        if found.in_table + found.buried >= wanted and found.seen >= wanted - int(found.begins["resumed_good"]):
            break
        if time.monotonic() > deadline_s:
            return
        if sink.exit_code is not None:
            raise ImportFailed(f"the sink ended: {sink.complaint()}; see {sink.log}")
        time.sleep(max(_LOOK_S, took_s / _COUNTED_AT_MOST))
    found.visible_ns = int(found.sunk.get("at_ns", found.state["at_ns"]))  # nothing had to go through the log
    if (use := sink.use()) is not None:
        found.cpu_s[SINK] = round(use.cpu_s, 3)
