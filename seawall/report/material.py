"""What the report's pictures are made from: the raw columns of a run's trials, boiled down arm by arm."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from seawall.audit.fates import read_visible_ns
from seawall.audit.ledger import NEVER, read_ledger
from seawall.result import Result, Trial

Floats = npt.NDArray[np.float64]
MOST_POINTS = 120
"""A series has no more points than a chart can show."""
CURVE = 1 - np.logspace(0, -4, 121)
"""The shares of a distribution's curve, from the fastest request to the slowest of ten thousand."""


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


def gather(result: Result, directory: Path) -> dict[str, ArmMaterial]:
    """Read the raw columns below *directory*, one trial at a time; arms without any are left out."""
    found: dict[str, ArmMaterial] = defaultdict(ArmMaterial)
    for arm in result.arms:
        pools: dict[str, list[Floats]] = {"response": [], "visible": []}
        for trial in result.trials:
            if trial.arm == arm.name and trial.kind == "load":
                _add(found[arm.name], pools, trial, directory / "raw" / f"{trial.name}.parquet")
        if pools["response"]:
            _distribute(found[arm.name], pools)
    return {name: material for name, material in found.items() if material.courses}


def _add(material: ArmMaterial, pools: dict[str, list[Floats]], trial: Trial, path: Path) -> None:
    if trial.schedule_start_ns is None or trial.duration_s is None or not any(path.glob("part-*.parquet")):
        return
    ledger, visible_ns = read_ledger(path), read_visible_ns(path)
    if visible_ns is None or len(visible_ns) != len(ledger.status):
        return
    accepted = ledger.accepted
    judged_ns = trial.schedule_start_ns + int(trial.warmup_s * 1e9)
    judged = (ledger.intended_ns >= judged_ns) & (ledger.intended_ns < judged_ns + int(trial.duration_s * 1e9))
    seen = accepted & (visible_ns != NEVER)
    if not trial.invalid_because:
        pools["response"].append((ledger.answered_ns - ledger.intended_ns)[judged & accepted] / 1e6)
        pools["visible"].append((visible_ns - ledger.intended_ns)[judged & seen] / 1e6)

    length_s = trial.warmup_s + trial.duration_s
    points = min(MOST_POINTS, max(1, round(length_s / 0.25)))
    step_s = length_s / points
    intended_s = (ledger.intended_ns - trial.schedule_start_ns) / 1e9
    answered_s = (ledger.answered_ns - trial.schedule_start_ns) / 1e9
    visible_s = (visible_ns[seen] - trial.schedule_start_ns) / 1e9
    ends: Floats = np.arange(1, points + 1, dtype=np.float64) * step_s
    done = np.searchsorted(np.sort(visible_s), ends)
    taken = np.searchsorted(np.sort(answered_s[accepted]), ends)
    material.courses.append(
        Course(
            trial=trial.name,
            warmup_s=trial.warmup_s,
            at_s=np.asarray(ends - step_s / 2, dtype=np.float64),
            rate_per_s=np.diff(done, prepend=0) / step_s,
            response_p95_ms=_by_window(intended_s[accepted], (answered_s - intended_s)[accepted] * 1e3, step_s, points),
            visible_p95_ms=_by_window(intended_s[seen], (visible_s - intended_s[seen]) * 1e3, step_s, points),
            # On the database's paths a row is visible with its answer, and the difference is rounding.
            backlog=np.maximum(taken - done, 0).astype(np.float64),
            cpu_s_per_s=dict(_cores(path / "resources.parquet", trial.schedule_start_ns)),
        )
    )


def _distribute(material: ArmMaterial, pools: dict[str, list[Floats]]) -> None:
    response = np.concatenate(pools["response"])
    material.samples = len(response)
    if not material.samples:
        return
    material.nines = 1 - 10 / material.samples if material.samples > 100 else 0.9  # noqa: PLR2004
    material.response_ms = np.quantile(response, CURVE)
    visible = np.concatenate(pools["visible"])
    material.visible_ms = np.quantile(visible, CURVE) if len(visible) else None


def _by_window(at_s: Floats, values: Floats, step_s: float, points: int) -> Floats:
    """Return the p95 of the values in each window."""
    order = np.argsort(at_s)
    edges = np.searchsorted(at_s[order], np.arange(points + 1) * step_s)
    ordered = values[order]
    return np.array([
        float(np.quantile(ordered[low:high], 0.95)) if high > low else math.nan
        for low, high in pairwise(edges)
    ])  # fmt: skip


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
