"""One run of an experiment, and its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from seawall.result.advice import Advice
from seawall.result.bursts import BurstFinding
from seawall.result.cache_fleet import FleetFindings
from seawall.result.csv_import import CsvFinding, LoaderFinding
from seawall.result.effects import DesignCell, EffectFinding
from seawall.result.elasticity import ElasticityFinding
from seawall.result.fanout import FanoutFinding, RebuildFinding
from seawall.result.findings import (
    ArmComparison,
    BreakEven,
    CapacityFinding,
    ControlFinding,
    FaultFinding,
    JudgedTarget,
    ScaleFinding,
    SlopeFinding,
    SoakSegment,
    StageFinding,
)
from seawall.result.live import LiveFinding
from seawall.result.live_analytics import AnalyticsFinding
from seawall.result.outcome import Outcome
from seawall.result.reviews import ReviewsFinding
from seawall.result.search import SearchFinding
from seawall.result.spark import SparkFinding
from seawall.result.trial import Trial

SCHEMA_VERSION = 1


class Arm(msgspec.Struct, kw_only=True, frozen=True):
    """A write path with its settings and the durability of its answer."""

    name: str
    path: str
    durability: str
    settings: dict[str, Any] = {}


class Result(msgspec.Struct, kw_only=True, frozen=True):
    """One run of an experiment."""

    schema_version: int = SCHEMA_VERSION
    experiment: str
    started_at: str
    finished_at: str
    seed: int
    outcome: Outcome
    interrupted: bool = False
    reasons: list[str] = []
    options: dict[str, Any] = {}
    environment: dict[str, Any] = {}
    arms: list[Arm] = []
    trials: list[Trial] = []
    comparisons: list[ArmComparison] = []
    targets: list[JudgedTarget] = []
    verdicts: dict[str, Outcome] = {}
    """Of each arm with judged trials."""
    audit: str = ""
    """Why the audit did not run, or over what it ran; empty where it is part of every trial."""
    not_judged: list[str] = []
    """Targets that were meant for this load and need what was not there, such as a database to be audited."""
    controls: list[ControlFinding] = []
    """Of an experiment whose services misbehave on purpose; no figure of its trials says anything else."""
    capacity: list[CapacityFinding] = []
    """What `capacity` found, a search each."""
    break_even: list[BreakEven] = []
    """What `capacity` found, an arm each."""
    scaling: list[ScaleFinding] = []
    """What `scale` found."""
    elasticity: list[ElasticityFinding] = []
    """What `scale --autoscale` found."""
    segments: list[SoakSegment] = []
    """Of a soak, as its trials follow one another."""
    slopes: list[SlopeFinding] = []
    """Of a soak's figures, over its longest sitting."""
    faults: list[FaultFinding] = []
    """What `fault` found, a trial each."""
    bursts: list[BurstFinding] = []
    """What `stream ingest` found, a path each."""
    fleet: FleetFindings | None = None
    """What `stream cache` found."""
    cells: list[DesignCell] = []
    """The arms of `tune --plan`."""
    effects: list[EffectFinding] = []
    """What `tune --plan` found, a metric and effect each."""
    search: SearchFinding | None = None
    """What `tune --search` found."""
    live_analytics: list[AnalyticsFinding] = []
    """What `stream analytics` found, an arm each."""
    fanout: list[FanoutFinding] = []
    """What `stream fanout` found, a trial each."""
    rebuilt: list[RebuildFinding] = []
    """What it found of a table that was lost; one, or none."""
    live: list[LiveFinding] = []
    """What `stream live` found, a source each."""
    csv: list[CsvFinding] = []
    """What `stream csv` found, a way each."""
    csv_loader: LoaderFinding | None = None
    """What the database's own loader did with the same rows; None where it was not asked."""
    reviews: list[ReviewsFinding] = []
    """What `stream reviews` found, an arm each."""
    spark: list[SparkFinding] = []
    """What `stream spark` found, an arm each."""
    advice: list[Advice] = []
    """What its figures suggest; empty where they suggest nothing."""
    stages: list[StageFinding] = []
    """What `attain` found, an arm and stage each; `targets` holds the same rows, each with its stage in its name."""

    def arm(self, name: str) -> Arm:
        """Return the arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)


def write_result(result: Result, path: Path) -> None:
    """Write *result* as indented JSON; the file appears only when it is whole."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    partial.replace(path)


def read_result(path: Path) -> Result:
    """Read what `write_result` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Result)
