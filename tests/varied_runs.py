"""Histories for tests: copies of a real result on other days, whose figures are varied; they measure nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np

from seawall.report.stored import stored_result
from seawall.result import Quantiles, Result, Trial, write_result
from seawall.stack.places import ROOT

REAL = ROOT / "results" / "reference" / "20261121-load-4000-per-s"
BEGIN = datetime(2026, 9, 7, 2, 0, tzinfo=UTC)
"""A Monday."""


def varied_copy(
    real: Result, at: datetime, times: float = 1.0, *, arm: str = "", commit: str = "", lost: int = 0
) -> Result:
    """Return *real* as if it began *at*, its times multiplied: all of them, or those of one *arm*."""
    trials = [_slower(trial, times if arm in ("", trial.arm) else 1.0, lost) for trial in real.trials]
    return msgspec.structs.replace(
        real,
        started_at=at.isoformat(),
        finished_at=(at + timedelta(minutes=3)).isoformat(),
        trials=trials,
        environment=real.environment | ({"commit": commit} if commit else {}),
    )


def _slower(trial: Trial, times: float, lost: int) -> Trial:
    return msgspec.structs.replace(
        trial,
        response_ms=_times(trial.response_ms, times),
        visible_ms=_times(trial.visible_ms, times),
        audit=msgspec.structs.replace(trial.audit, lost=lost),
    )


def _times(figures: Quantiles, times: float) -> Quantiles:
    scaled = {
        name: value * times
        for name in figures.__struct_fields__
        if name != "samples" and (value := getattr(figures, name)) is not None
    }
    return msgspec.structs.replace(figures, **scaled)


def write_history(
    directory: Path, levels: Sequence[float], *, noise: float = 0.05, days: float = 1.0, seed: int = 1
) -> list[Path]:
    """Write a run for each of *levels*, as many times as slow as the real one, and return their directories.

    They are *days* apart and vary by *noise*.
    """
    rng = np.random.default_rng(seed)
    real, made = stored_result(REAL), []
    for number, level in enumerate(levels):
        at = BEGIN + timedelta(days=number * days)
        result = varied_copy(real, at, level * float(rng.lognormal(0.0, noise)), commit=f"c{number:03}")
        made.append(directory / f"{at:%Y%m%dT%H%M%SZ}-varied-copy")
        made[-1].mkdir(parents=True)
        write_result(result, made[-1] / "result.json")
    return made
