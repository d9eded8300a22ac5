"""What `compare` may be asked for: parsed by the command line, validated here, all mistakes at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from contract.entities import ENTITIES
from seawall.experiments.arms import PATHS
from seawall.experiments.errors import BadOptions

PARTS = ("data", "load")
MOST_USERS = 50_000
MOST_RECORDS = 10_000_000


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """The plan of one comparison."""

    paths: tuple[str, ...] = PATHS
    entities: tuple[str, ...] = tuple(ENTITIES)
    counts: tuple[int, ...] = (100, 500, 1_000)
    parts: tuple[str, ...] = PARTS
    clients: int = 50
    """Users of the *data* part: each sends its next record as soon as the last is answered."""
    users: int = 200
    rate_per_s: float = 5.0
    duration_s: float = 10.0
    warmup_s: float = 2.0
    load_entity: str = "mixed"
    blocks: int = 2
    """Each block runs every arm twice: A B C C B A."""
    drain_timeout_s: float = 60.0
    seed: int = 1
    keep: bool = False
    gate: str | None = None
    """The arm whose verdict is the command's."""

    def validate(self) -> None:
        """Raise `BadOptions` with every mistake found."""
        mistakes = [
            *_unknown("--paths", self.paths, PATHS),
            *_unknown("--entities", self.entities, tuple(ENTITIES)),
            *_unknown("--parts", self.parts, PARTS),
            *_unknown("--load-entity", (self.load_entity,), (*ENTITIES, "mixed")),
        ]
        mistakes += self._gate_mistakes()
        mistakes += [
            f"--counts: {count} is not between 1 and {MOST_RECORDS:,}"
            for count in self.counts
            if not 1 <= count <= MOST_RECORDS
        ]
        if not self.counts:
            mistakes.append("--counts: at least one number of records is needed")
        for name, value in (("--users", self.users), ("--clients", self.clients)):
            if not 1 <= value <= MOST_USERS:
                mistakes.append(f"{name}: {value} is not between 1 and {MOST_USERS:,}")
        for name, amount in (("--rate", self.rate_per_s), ("--duration", self.duration_s)):
            if not amount > 0:
                mistakes.append(f"{name}: must be above 0")
        if self.warmup_s < 0:
            mistakes.append("--warmup: must not be below 0")
        if self.drain_timeout_s <= 0:
            mistakes.append("--drain-timeout: must be above 0")
        if mistakes:
            raise BadOptions(mistakes)

    def _gate_mistakes(self) -> list[str]:
        if self.gate is None:
            return []
        mistakes = _unknown("--gate", (self.gate,), self.paths)
        if "load" not in self.parts:
            mistakes.append("--gate: the load part is what is judged, so it must be among --parts")
        return mistakes

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return asdict(self)


def _unknown(option: str, given: tuple[str, ...], known: tuple[str, ...]) -> list[str]:
    mistakes = [f"{option}: unknown {name!r}, known are {', '.join(known)}" for name in given if name not in known]
    if not given:
        mistakes.append(f"{option}: at least one of {', '.join(known)} is needed")
    if len(set(given)) != len(given):
        mistakes.append(f"{option}: each may stand there once")
    return mistakes
