"""When each record of the `kafka` path became visible: the log's offsets held against the sinks' journals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contract.journal import Commit, read_journal
from seawall.audit.ledger import NEVER, Int64s
from seawall.audit.log import LogRecords


@dataclass(frozen=True)
class JournalTally:
    """What the sinks' journals say of all commits since `Journals.forget`, over all topics."""

    stored: int = 0
    duplicates: int = 0
    """Messages whose row was there already."""
    dead_lettered: int = 0
    unaccounted: int = 0
    """Offsets that a commit covers beyond what it stored, found there or buried; more than 0 is a contradiction."""


class Journals:
    """The commits of all sinks, read on as the files grow."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read_to: dict[Path, int] = {}
        self._spans: dict[tuple[str, int], list[tuple[int, int, int]]] = defaultdict(list)
        self._commits: list[tuple[int, int, int, int]] = []

    def visible_ns(self, records: LogRecords, since_ns: Mapping[int, int] | None = None) -> Int64s:
        """Return when each record's row was visible, monotonic; `NEVER` where no commit covers its offset.

        *since_ns* tells of partitions since when their offsets mean what they do; earlier commits do not count.

        Where several commits cover an offset (a batch was repeated), the first counts: rows stay once they are there.
        """
        self._read_on()
        visible = np.full(len(records.offset), NEVER, dtype=np.int64)
        for partition in np.unique(records.partition):
            spans = self._spans.get((records.topic, int(partition)))
            earliest_ns = (since_ns or {}).get(int(partition))
            if spans and earliest_ns is not None:
                spans = [span for span in spans if span[2] > earliest_ns]
            if not spans:
                continue
            here = np.flatnonzero(records.partition == partition)
            visible[here] = _earliest_cover(records.offset[here], np.array(sorted(spans), dtype=np.int64))
        return visible

    def unread(self, topic: str, partition: int, first: int, last: int) -> int:
        """Return how many offsets from *first* to *last*, both included, no commit covers: no sink stored them.

        0 where no sink keeps a journal, since then nobody knows.
        """
        self._read_on()
        if not self._read_to:
            return 0
        spans = self._spans.get((topic, partition))
        if not spans:
            return last - first + 1
        offsets = np.arange(first, last + 1, dtype=np.int64)
        return int((_earliest_cover(offsets, np.array(sorted(spans), dtype=np.int64)) == NEVER).sum())

    def tally(self) -> JournalTally:
        """Return what the commits come to; a message that stood in a batch twice covers its offset once."""
        self._read_on()
        commits = np.array(self._commits, dtype=np.int64).reshape(-1, 4)
        stored, duplicates, dead_lettered, covered = commits.T
        unaccounted = np.maximum(0, covered - stored - duplicates - dead_lettered)
        return JournalTally(*(int(column.sum()) for column in (stored, duplicates, dead_lettered, unaccounted)))

    def forget(self) -> None:
        """Drop the spans read so far; for a new trial, whose offsets lie above them."""
        self._read_on()
        self._spans.clear()
        self._commits.clear()

    def _read_on(self) -> None:
        for path in sorted(self._directory.glob("*.jsonl")):
            entries, self._read_to[path] = read_journal(path, self._read_to.get(path, 0))
            for entry in entries:
                if isinstance(entry, Commit):
                    covered = sum(span.last - span.first + 1 for span in entry.spans)
                    self._commits.append((entry.stored, entry.duplicates, entry.dead_lettered, covered))
                    for span in entry.spans:
                        self._spans[span.topic, span.partition].append((span.first, span.last, entry.monotonic_ns))


def _earliest_cover(offsets: Int64s, spans: Int64s) -> Int64s:
    """Return the earliest time at which a span (first, last, time) covers each offset, or `NEVER`.

    Spans are as many as batches and offsets as many as records, so the loop is over spans, later ones first.
    """
    rises = bool((offsets[1:] >= offsets[:-1]).all())
    order = None if rises else np.argsort(offsets, kind="stable")
    ordered = offsets if order is None else offsets[order]
    in_order = np.full(len(offsets), NEVER, dtype=np.int64)
    spans = spans[np.argsort(-spans[:, 2])]
    lows, highs = np.searchsorted(ordered, spans[:, 0]), np.searchsorted(ordered, spans[:, 1], side="right")
    for low, high, time_ns in zip(lows.tolist(), highs.tolist(), spans[:, 2].tolist(), strict=True):
        in_order[low:high] = time_ns
    if order is None:
        return in_order
    found = np.empty_like(in_order)
    found[order] = in_order
    return found
