"""What a soak is asked to do, and how the next sitting learns what the first one was asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from contract.entities import ENTITIES
from seawall.experiments.arms import PATHS
from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero
from seawall.result import Result
from seawall.stack.limits import Limits

SETTLING_S = 3.0
"""At the begin of a segment, when its users have just connected; at most a tenth of it. It is not judged."""
WARM_UP_SHARE, WARM_UP_S = 1 / 5, (60.0, 600.0)
"""The warm-up where none is asked for: a share of the soak, and at least and at most so long (half of a short soak)."""


@dataclass(frozen=True, kw_only=True)
class SoakOptions:
    """The plan of a soak."""

    path: str = "kafka"
    rate_per_s: float = 2_000.0
    users: int = 1_000
    duration_s: float = 600.0
    """Under load; the gaps between segments come on top."""
    segment_s: float = 60.0
    warmup_s: float | None = None
    entity: str = "mixed"
    database: str = ""
    brokers: int | None = None
    sinks: int | None = None
    api_processes: int | None = None
    drain_timeout_s: float = 20.0
    seed: int = 1
    keep_raw: bool = False

    def validate(self, limits: Limits | None = None) -> None:
        """Raise `BadOptions` with every mistake found; *limits* are the machine's."""
        mistakes = []
        if self.path not in PATHS:
            mistakes.append(f"--path: unknown {self.path!r}, known are {', '.join(PATHS)}")
        if self.entity not in (*ENTITIES, "mixed"):
            mistakes.append(f"--entity: unknown {self.entity!r}, known are {', '.join(ENTITIES)}, mixed")
        for name, amount in (
            ("--rate", self.rate_per_s), ("--segment", self.segment_s), ("--drain-timeout", self.drain_timeout_s)
        ):  # fmt: skip
            mistakes += above_zero(name, amount)
        if not self.duration_s >= self.segment_s:
            mistakes.append(f"--duration: {self.duration_s:g} s holds no segment of {self.segment_s:g} s")
        elif self.segment_s > 0 and not 0 <= self.warm_up_s <= (self.segments - 1) * self.segment_s:
            mistakes.append(
                f"--warmup: {self.warm_up_s:g} s leave none of {self.segments} segments of {self.segment_s:g} s to be"
                " judged: ask for a longer soak, or for shorter segments"
            )
        if self.users < 1:
            mistakes.append("--users: at least one is needed")
        elif limits is not None:
            mistakes += [f"--users: {obstacle}" for obstacle in limits.obstacles(self.users)]
        if mistakes:
            raise BadOptions(mistakes)

    @property
    def segments(self) -> int:
        """How many segments the duration holds, the last one rounded."""
        return max(1, round(self.duration_s / self.segment_s))

    @property
    def warm_up_s(self) -> float:
        """How long a sitting warms up."""
        if self.warmup_s is not None:
            return self.warmup_s
        least, most = WARM_UP_S
        return min(max(least, WARM_UP_SHARE * self.duration_s), most, self.duration_s / 2)

    @property
    def settling_s(self) -> float:
        """How long each segment settles."""
        return min(SETTLING_S, self.segment_s / 10)


def options_of(earlier: Result, given: dict[str, Any]) -> SoakOptions:
    """Return the options of a soak that is to go on; *given* are those that the user named, by field.

    Raises `BadOptions` where *earlier* is no soak or has all its segments, and for each option that was another one.
    """
    if earlier.experiment != "soak":
        raise BadOptions([f"--resume: the directory holds a {earlier.experiment}, and only a soak can go on"])
    options = SoakOptions(**earlier.options)
    if len(earlier.trials) >= options.segments:
        raise BadOptions([f"--resume: the soak has all its {options.segments} segments; start another one"])
    before = asdict(options)
    mistakes = [
        f"--{_option(name)}: the soak began with {_said(before[name])} and not {_said(value)}; leave it out"
        for name, value in given.items()
        if before[name] != value
    ]
    if mistakes:
        raise BadOptions(mistakes)
    return options


def _option(name: str) -> str:
    return name.removesuffix("_per_s").removesuffix("_s").replace("_", "-")


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
