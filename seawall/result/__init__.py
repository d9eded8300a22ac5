"""The result of an experiment: what `result.json` holds, and all that reports are made from.

Fields are only ever added. Times are seconds (`_s`), latencies milliseconds (`_ms`), rates per second (`_per_s`).
"""

from seawall.result.advice import Advice, AdviceKind, FullScan, PassedOver, SlowStatement
from seawall.result.bursts import BurstFinding, BurstStage
from seawall.result.effects import DesignCell, EffectFinding
from seawall.result.elasticity import ElasticityFinding, ElasticityMoment, ElasticityStep
from seawall.result.findings import (
    ArmComparison,
    BreakEven,
    CapacityFinding,
    ControlFinding,
    CurvePoint,
    FaultFinding,
    FaultMoment,
    JudgedTarget,
    LoadStep,
    ScaleFinding,
    ScalePoint,
    SlopeFinding,
    SoakSegment,
    StageFinding,
)
from seawall.result.live import LiveFinding
from seawall.result.outcome import Estimate, Outcome, Quantiles
from seawall.result.run import SCHEMA_VERSION, Arm, Result, read_result, write_result
from seawall.result.search import SearchFinding, SearchStep
from seawall.result.sweeps import DiskFigures, PartitionLeft, RebalanceFigures
from seawall.result.trial import (
    VIOLATIONS,
    AuditCounts,
    Course,
    EndpointFigures,
    InstrumentHealth,
    LagFigures,
    LogFigures,
    LookupFigures,
    LookupKind,
    LookupLevel,
    ReaderFigures,
    ScopeFigures,
    SpreadFigures,
    Trial,
)

__all__ = [
    "SCHEMA_VERSION",
    "VIOLATIONS",
    "Advice",
    "AdviceKind",
    "Arm",
    "ArmComparison",
    "AuditCounts",
    "BreakEven",
    "BurstFinding",
    "BurstStage",
    "CapacityFinding",
    "ControlFinding",
    "Course",
    "CurvePoint",
    "DesignCell",
    "DiskFigures",
    "EffectFinding",
    "ElasticityFinding",
    "ElasticityMoment",
    "ElasticityStep",
    "EndpointFigures",
    "Estimate",
    "FaultFinding",
    "FaultMoment",
    "FullScan",
    "InstrumentHealth",
    "JudgedTarget",
    "LagFigures",
    "LiveFinding",
    "LoadStep",
    "LogFigures",
    "LookupFigures",
    "LookupKind",
    "LookupLevel",
    "Outcome",
    "PartitionLeft",
    "PassedOver",
    "Quantiles",
    "ReaderFigures",
    "RebalanceFigures",
    "Result",
    "ScaleFinding",
    "ScalePoint",
    "ScopeFigures",
    "SearchFinding",
    "SearchStep",
    "SlopeFinding",
    "SlowStatement",
    "SoakSegment",
    "SpreadFigures",
    "StageFinding",
    "Trial",
    "read_result",
    "write_result",
]
