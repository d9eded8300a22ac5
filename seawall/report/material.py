"""What the report's pictures are made from: the raw columns of a run's trials, boiled down arm by arm.

A run may hold ten million requests. So a trial is read part by part, only in the columns that are needed, and no more
than nine bytes are kept of each request; times are counted into windows, and only the curve's values are sorted.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from seawall.audit.fates import read_visible_ns
from seawall.audit.ledger import NEVER
from seawall.load.statuses import parted
from seawall.report.errors import BrokenColumns
from seawall.report.experiment_names import SOAK
from seawall.result import Result, Trial

Floats = npt.NDArray[np.float64]
Milliseconds = npt.NDArray[np.float32]
MOST_POINTS = 120
"""A series has no more points than a chart can show."""
CURVE = 1 - np.logspace(0, -4, 121)
"""The shares of a distribution's curve, from the fastest request to the slowest of ten thousand."""

_COLUMNS = ["entity", "intended_ns", "answered_ns", "status"]
_OUTSIDE = MOST_POINTS
"""The window of what lies before or behind the trial's time."""


@dataclass(frozen=True)
class Course:
    """One *load* trial over its time, shape ``(points,)`` each; a point without a figure is NaN."""

    trial: str
    warmup_s: float
    at_s: Floats
    """Middle of each point, from the schedule's start."""
    rate_per_s: Floats
    """Records that became visible."""
    response_p95_ms: Floats
    visible_p95_ms: Floats
    backlog: Floats
    """Records accepted and not yet visible, at the point's end."""
    cpu_s_per_s: dict[str, tuple[Floats, Floats]]
    """For each process, times and the cores that it used."""


@dataclass
class ArmMaterial:
    """What there is of one arm's load trials."""

    courses: list[Course] = field(default_factory=list)
    response_ms: Floats | None = None
    """The response time at each share of `CURVE`, over the judged time of all valid trials."""
    visible_ms: Floats | None = None
    samples: int = 0
    nines: float = 0.0
    """The largest share that so many samples can tell: ten lie beyond it."""
    memory: dict[str, tuple[Floats, Floats]] = field(default_factory=dict)
    """Of a soak: for each process, seconds since its begin and megabytes, the median of each point."""


@dataclass(frozen=True)
class _Windows:
    """A trial's time, cut into windows of equal length."""

    start_ns: int
    length_ns: int
    points: int

    @classmethod
    def of(cls, trial: Trial, start_ns: int, duration_s: float) -> _Windows:
        length_s = trial.warmup_s + duration_s
        return cls(start_ns, max(1, int(length_s * 1e9)), min(MOST_POINTS, max(1, round(length_s / 0.25))))

    def of_times(self, times_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Return in which window each time lies; `_OUTSIDE` if in none."""
        since = times_ns - self.start_ns
        inside = (since >= 0) & (since < self.length_ns)
        places = since * (self.points / self.length_ns)
        return np.where(inside, np.minimum(places, self.points - 1), _OUTSIDE).astype(np.uint8)

    def so_far(self, times_ns: npt.NDArray[np.int64]) -> Floats:
        """Return how many of the times lie before each window's end."""
        before = np.count_nonzero(times_ns < self.start_ns)
        counts = np.bincount(self.of_times(times_ns), minlength=self.points)[: self.points]
        return np.asarray(before + np.cumsum(counts), dtype=np.float64)

    @property
    def step_s(self) -> float:
        """How long each window is."""
        return self.length_ns / self.points / 1e9


class _Latencies:
    """One kind of latency of a trial: the judged ones, and all by their window."""

    def __init__(self) -> None:
        self._values: list[Milliseconds] = []
        self._windows: list[npt.NDArray[np.uint8]] = []
        self.judged: list[Milliseconds] = []

    def add(self, latency_ms: Milliseconds, window: npt.NDArray[np.uint8], judged: npt.NDArray[np.bool_]) -> None:
        """Add those of one part; *window* tells in which each became due."""
        self._values.append(latency_ms)
        self._windows.append(window)
        self.judged.append(latency_ms[judged])

    def p95(self, points: int) -> Floats:
        """Return the p95 in each window; NaN where it is empty."""
        values, windows = np.concatenate(self._values), np.concatenate(self._windows)
        values = values[np.argsort(windows, kind="stable")]  # of bytes, which needs but a pass
        ends = np.cumsum(np.bincount(windows, minlength=points)[:points])
        found = np.full(points, math.nan)
        for point, end in enumerate(ends):
            inside = values[ends[point - 1] if point else 0 : end]
            if len(inside):
                found[point] = np.quantile(inside, 0.95, overwrite_input=True)
        return found


def gather(result: Result, directory: Path) -> dict[str, ArmMaterial]:
    """Read the raw columns below *directory*, one trial at a time; arms without any are left out.

    Raises `BrokenColumns` where they are there and cannot be read.
    """
    found: dict[str, ArmMaterial] = defaultdict(ArmMaterial)
    if result.experiment == SOAK:  # whose requests are gone, segment by segment
        memory = _memory(result, directory / "resources")
        return {arm.name: ArmMaterial(memory=memory) for arm in result.arms if memory}
    for arm in result.arms:
        response: list[Milliseconds] = []
        visible: list[Milliseconds] = []
        for trial in result.trials:
            if trial.arm == arm.name and trial.kind == "load":
                path = directory / (trial.ledger or f"raw/{trial.name}.parquet")
                try:
                    found[arm.name].courses += _course(trial, path, response, visible)
                except (pa.ArrowException, OSError, KeyError) as error:
                    raise BrokenColumns(
                        f"{path} cannot be read ({str(error).partition('. ')[0]}): copy it again from where the run"
                        " wrote it, or remove it, and the report is made without it"
                    ) from None
        if response:
            _distribute(found[arm.name], response, visible)
    return {name: material for name, material in found.items() if material.courses}


def _memory(result: Result, directory: Path) -> dict[str, tuple[Floats, Floats]]:
    """Return the memory of each process over a soak, in no more points than a chart can show."""
    paths = [path for segment in result.segments if (path := directory / f"{segment.trial}.parquet").exists()]
    try:
        tables = [pq.read_table(path, columns=["at_s", "service", "rss_bytes"]) for path in paths]
    except (pa.ArrowException, OSError, KeyError) as error:
        raise BrokenColumns(
            f"{directory} cannot be read ({str(error).partition('. ')[0]}): copy it again from where the run wrote it,"
            " or remove it, and the report is made without it"
        ) from None
    if not tables:
        return {}
    table = pa.concat_tables(tables).unify_dictionaries()
    names = np.array(table.column("service").to_pylist())
    at_s, used = table.column("at_s").to_numpy(), table.column("rss_bytes").to_numpy() / 1e6
    found = {}
    for name in dict.fromkeys(names.tolist()):
        mine = names == name
        points = min(MOST_POINTS, int(mine.sum()))
        found[name] = (_medians(at_s[mine], points), _medians(used[mine], points))
    return found


def _medians(series: Floats, points: int) -> Floats:
    return np.array([np.median(part) for part in np.array_split(series, points)])


def _course(
    trial: Trial, path: Path, response_pool: list[Milliseconds], visible_pool: list[Milliseconds]
) -> Iterator[Course]:
    """Yield the trial's course, if there is one, and add its judged times to the pools, if it is valid."""
    files = sorted(path.glob("part-*.parquet"))
    if trial.schedule_start_ns is None or trial.duration_s is None or not files:
        return
    visible_ns = read_visible_ns(path) if trial.audited else None
    rows = sum(pq.read_metadata(file).num_rows for file in files)
    if trial.audited and (visible_ns is None or len(visible_ns) != rows):
        return
    windows = _Windows.of(trial, trial.schedule_start_ns, trial.duration_s)
    judged_from_ns = trial.schedule_start_ns + int(trial.warmup_s * 1e9)
    judged_to_ns = judged_from_ns + int(trial.duration_s * 1e9)
    response, visible = _Latencies(), _Latencies()
    done, taken = np.zeros(windows.points), np.zeros(windows.points)
    first = 0
    for file in files:
        part = pq.read_table(file, columns=_COLUMNS, use_threads=False)
        status = part.column("status").to_numpy()
        accepted = parted(status).succeeded
        intended_ns = part.column("intended_ns").to_numpy()[accepted]
        answered_ns = part.column("answered_ns").to_numpy()[accepted]
        # Where nobody looked for rows, the answer is all that there is to see.
        shown_ns = answered_ns if visible_ns is None else visible_ns[first : first + len(status)][accepted]
        first += len(status)

        window = windows.of_times(intended_ns)
        judged = (intended_ns >= judged_from_ns) & (intended_ns < judged_to_ns)
        response.add(_milliseconds(answered_ns - intended_ns), window, judged)
        seen = shown_ns != NEVER
        shown_ns = shown_ns[seen]
        visible.add(_milliseconds(shown_ns - intended_ns[seen]), window[seen], judged[seen])
        # A lookup leaves no row that one could wait for.
        written = part.column("entity").to_numpy()[accepted] != 0
        taken += windows.so_far(answered_ns if visible_ns is None else answered_ns[written])
        done += windows.so_far(shown_ns)
    if not trial.invalid_because:
        response_pool += response.judged
        visible_pool += visible.judged
    yield Course(
        trial=trial.name,
        warmup_s=trial.warmup_s,
        at_s=np.asarray((np.arange(windows.points) + 0.5) * windows.step_s, dtype=np.float64),
        rate_per_s=np.diff(done, prepend=0.0) / windows.step_s,
        response_p95_ms=response.p95(windows.points),
        visible_p95_ms=visible.p95(windows.points),
        # On the database's paths a row is visible with its answer, and the difference is rounding.
        backlog=np.maximum(taken - done, 0.0),
        cpu_s_per_s=dict(_cores(path / "resources.parquet", trial.schedule_start_ns)),
    )


def _milliseconds(times_ns: npt.NDArray[np.int64]) -> Milliseconds:
    return (times_ns * 1e-6).astype(np.float32)


def _distribute(material: ArmMaterial, response: list[Milliseconds], visible: list[Milliseconds]) -> None:
    material.samples = sum(map(len, response))
    if not material.samples:
        return
    material.nines = 1 - 10 / material.samples if material.samples > 100 else 0.9  # noqa: PLR2004
    material.response_ms = _curve(response)
    material.visible_ms = _curve(visible)


def _curve(pool: list[Milliseconds]) -> Floats | None:
    """Return the values at the shares of `CURVE`, between neighbours as numpy's quantiles; empties *pool*."""
    values = np.concatenate(pool)
    pool.clear()
    if not len(values):
        return None
    values.sort()  # so many shares of one array are found sooner in order than by partition
    places = CURVE * (len(values) - 1)
    low = places.astype(np.int64)
    lower = values[low].astype(np.float64)
    upper = values[np.minimum(low + 1, len(values) - 1)].astype(np.float64)
    return np.asarray(lower + (upper - lower) * (places - low), dtype=np.float64)


def _cores(path: Path, start_ns: int) -> Iterator[tuple[str, tuple[Floats, Floats]]]:
    if not path.exists():
        return
    table = pq.read_table(path)
    names = np.array(table.column("service").to_pylist())
    times, used = table.column("time_ns").to_numpy(), table.column("cpu_s").to_numpy()
    for name in dict.fromkeys(names):
        mine = names == name
        at_s = (times[mine] - start_ns) / 1e9
        if len(at_s) > 1:
            yield str(name), ((at_s[1:] + at_s[:-1]) / 2, np.maximum(np.diff(used[mine]) / np.diff(at_s), 0.0))
