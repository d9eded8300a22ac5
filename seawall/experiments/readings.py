"""What the processes of a long run used, once a second, in a file a trial: slopes are taken from it, and plotted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from seawall.result import SoakSegment, Trial
from seawall.stats.quantiles import FloatArray

NAME = "resources"
"""The directory, beside the result."""


class Readings:
    """The files below *directory*; nothing of them is kept in memory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / NAME

    def keep(self, segment: SoakSegment, trial: Trial, raw: Path) -> None:
        """Copy the readings in *raw*, a trial's `resources.parquet`, that lie in its judged time.

        A line is a process at a moment, `at_s` since the soak began.
        """
        table = pq.read_table(raw)
        at_s = segment.at_s + (table.column("time_ns").to_numpy() - (trial.schedule_start_ns or 0)) / 1e9
        begin_s = segment.at_s + trial.warmup_s
        inside = (at_s >= begin_s) & (at_s < begin_s + (trial.duration_s or 0.0))
        table = table.drop_columns(["time_ns"]).add_column(0, "at_s", pa.array(at_s)).filter(pa.array(inside))
        self.directory.mkdir(exist_ok=True)
        path = self._path(segment)
        partial = path.with_suffix(".partial")
        pq.write_table(table, partial, compression="zstd")
        partial.replace(path)

    def memory(self, segments: Sequence[SoakSegment]) -> Mapping[str, tuple[FloatArray, FloatArray]]:
        """Return, for each process, times (s since the soak began) and resident bytes in these segments."""
        tables = [
            pq.read_table(path, columns=["at_s", "service", "rss_bytes"])
            for segment in segments
            if (path := self._path(segment)).exists()
        ]
        if not tables:
            return {}
        table = pa.concat_tables(tables).unify_dictionaries()
        service = np.array(table.column("service").to_pylist())
        at_s = table.column("at_s").to_numpy()
        used = table.column("rss_bytes").to_numpy().astype(np.float64)
        return {str(name): (at_s[service == name], used[service == name]) for name in dict.fromkeys(service.tolist())}

    def _path(self, segment: SoakSegment) -> Path:
        return self.directory / f"{segment.trial}.parquet"
