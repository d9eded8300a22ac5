"""When each record of the `kafka` path became visible: the log's offsets held against the sinks' journals."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from contract.journal import Commit, read_journal
from seawall.audit.ledger import Int64s
from seawall.audit.log import LogRecords

NEVER = np.iinfo(np.int64).max


class Journals:
    """The commits of all sinks, read on as the files grow."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read_to: dict[Path, int] = {}
        self._spans: dict[tuple[str, int], list[tuple[int, int, int]]] = defaultdict(list)

    def visible_ns(self, records: LogRecords) -> Int64s:
        """Return when each record's row was visible, monotonic; `NEVER` where no commit covers its offset.

        Where several commits cover an offset (a batch was repeated), the first counts: rows stay once they are there.
        """
        self._read_on()
        visible = np.full(len(records.offset), NEVER, dtype=np.int64)
        for partition in np.unique(records.partition):
            spans = self._spans.get((records.topic, int(partition)))
            if not spans:
                continue
            here = np.flatnonzero(records.partition == partition)
            visible[here] = _earliest_cover(records.offset[here], np.array(sorted(spans), dtype=np.int64))
        return visible

    def forget(self) -> None:
        """Drop the spans read so far; for a new trial, whose offsets lie above them."""
        self._read_on()
        self._spans.clear()

    def _read_on(self) -> None:
        for path in sorted(self._directory.glob("*.jsonl")):
            entries, self._read_to[path] = read_journal(path, self._read_to.get(path, 0))
            for entry in entries:
                if isinstance(entry, Commit):
                    for span in entry.spans:
                        self._spans[span.topic, span.partition].append((span.first, span.last, entry.monotonic_ns))


def _earliest_cover(offsets: Int64s, spans: Int64s) -> Int64s:
    """Return the earliest time at which a span (first, last, time) covers each offset, or `NEVER`.

    Spans are as many as batches and offsets as many as records, so the loop is over spans, later ones first.
    """
    found = np.full(len(offsets), NEVER, dtype=np.int64)
    order = np.argsort(offsets, kind="stable")
    ordered = offsets[order]
    in_order = found.copy()
    for first, last, time_ns in spans[np.argsort(-spans[:, 2])]:
        low, high = np.searchsorted(ordered, [first, last + 1])
        in_order[low:high] = time_ns
    found[order] = in_order
    return found
