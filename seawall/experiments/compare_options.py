"""What `compare` may be asked for: parsed by the command line, validated here, all mistakes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from contract.connections import DATABASES, Connections
from contract.entities import ENTITIES
from contract.samples import Shape, check_shape
from seawall.experiments.arms import ARMS, PATHS, ArmPlan, as_they_are, not_to_be_made
from seawall.experiments.errors import BadOptions
from seawall.experiments.option_ranges import above_zero, not_below_zero
from seawall.stack.limits import Limits

PARTS = ("data", "load")
ARRIVALS = ("uniform", "poisson")
MOST_USERS = 50_000
MOST_RECORDS = 10_000_000
MOST_BLOCKS = 100
MOST_SKEW = 5.0


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """The plan of one comparison."""

    experiment: ClassVar[str] = "compare"
    entity_option: ClassVar[str] = "--load-entity"
    """What names the entity of the load."""
    goes_on: ClassVar[bool] = False
    """Whether a trial that cannot be made is INVALID, and the others follow; else the experiment ends."""
    paths: tuple[str, ...] = PATHS
    """The arms, on servers as they are, where `arms` names none."""
    arms: tuple[str, ...] = ()
    """Names of `seawall.experiments.arms.ARMS`, which run on stacks of their own."""
    database: str = ""
    """One of `DATABASES`; empty takes the one that is there, or PostgreSQL."""
    brokers: int | None = None
    sinks: int | None = None
    api_processes: int | None = None
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
    arrival: str = "uniform"
    record_bytes: int | None = None
    compressibility: float | None = None
    key_skew: float = 0.0
    blocks: int = 2
    """Each block runs every arm twice: A B C C B A."""
    drain_timeout_s: float = 60.0
    seed: int = 1
    keep: bool = False
    gate: str | None = None
    """The arm whose verdict is the command's."""

    def arm_plans(self) -> tuple[ArmPlan, ...]:
        """Return the arms in their order."""
        return tuple(ARMS[name] for name in self.arms) if self.arms else as_they_are(self.paths)

    def order(self, arms: Sequence[ArmPlan], block: int) -> list[tuple[ArmPlan, str]]:  # noqa: ARG002 - of a design
        """Return the trials of a block in their order, each with how its name ends: there and back."""
        return [*((arm, "a") for arm in arms), *((arm, "b") for arm in reversed(arms))]

    @property
    def shaped(self) -> bool:
        """Whether records are to be of another length or text than they are drawn with."""
        return self.record_bytes is not None or self.compressibility is not None

    @property
    def steady(self) -> bool:
        """Whether trials have to come to a steady state."""
        return True

    @property
    def looks_at_disk(self) -> bool:
        """Whether each trial ends with a look at what is left on the brokers' disks."""
        return False

    @property
    def written_again(self) -> int:
        """How many times each record is written once more before that look."""
        return 0

    @property
    def most_connected(self) -> int:
        """How many users are connected at once at most."""
        return max(self.clients, self.users if "load" in self.parts else 0)

    def validate(self, given: Connections | None = None, limits: Limits | None = None) -> None:
        """Raise `BadOptions` with every mistake found; *given* are the servers that the settings name.

        *limits* are the machine's: what it cannot connect is a mistake before anything is started.
        """
        mistakes = [
            *_unknown("--paths", self.paths, PATHS),
            *_unknown("--entities", self.entities, tuple(ENTITIES)),
            *_unknown("--parts", self.parts, PARTS),
            *_unknown(self.entity_option, (self.load_entity,), (*ENTITIES, "mixed")),
            *_unknown("--arrival", (self.arrival,), ARRIVALS),
            *(_unknown("--database", (self.database,), DATABASES) if self.database else ()),
            *self._arm_mistakes(given),
            *self._gate_mistakes(),
            *self._amount_mistakes(),
        ]
        mistakes += self._shape_mistakes()
        if limits is not None:
            mistakes += [f"--users: {obstacle}" for obstacle in limits.obstacles(self.most_connected)]
        if mistakes:
            raise BadOptions(mistakes)

    def as_json(self) -> dict[str, Any]:
        """Return the options for the result."""
        return asdict(self)

    def _arm_mistakes(self, given: Connections | None) -> list[str]:
        if not self.arms:
            return []
        mistakes = _unknown("--arms", self.arms, tuple(ARMS))
        if self.brokers is not None:
            mistakes.append("--brokers: with --arms or --durability each arm has the brokers that it needs")
        if given is not None and not mistakes:
            mistakes += not_to_be_made(self.arm_plans(), given)
        return mistakes

    def _gate_mistakes(self) -> list[str]:
        if self.gate is None:
            return []
        mistakes = _unknown("--gate", (self.gate,), self.arms or self.paths)
        if "load" not in self.parts:
            mistakes.append("--gate: the load part is what is judged, so it must be among --parts")
        return mistakes

    def _amount_mistakes(self) -> list[str]:
        mistakes = [
            f"--counts: {count} is not between 1 and {MOST_RECORDS:,}"
            for count in self.counts
            if not 1 <= count <= MOST_RECORDS
        ]
        if not self.counts:
            mistakes.append("--counts: at least one number of records is needed")
        for name, value, most in (
            ("--users", self.users, MOST_USERS),
            ("--clients", self.clients, MOST_USERS),
            ("--blocks", self.blocks, MOST_BLOCKS),
        ):
            if not 1 <= value <= most:
                mistakes.append(f"{name}: {value} is not between 1 and {most:,}")
        for name, amount in (
            ("--rate", self.rate_per_s),
            ("--duration", self.duration_s),
            ("--drain-timeout", self.drain_timeout_s),
        ):
            mistakes += above_zero(name, amount)
        mistakes += not_below_zero("--warmup", self.warmup_s)
        if not 0 <= self.key_skew <= MOST_SKEW:
            mistakes.append(f"--key-skew: {self.key_skew:g} is not between 0 (even) and {MOST_SKEW:g}")
        return mistakes

    def _shape_mistakes(self) -> list[str]:
        if self.compressibility is not None and not 0 <= self.compressibility <= 1:
            return [f"--compressibility: {self.compressibility:g} is not between 0 and 1"]
        if not self.shaped:
            return []
        mistakes = []
        for name in self._entities_in_use():
            try:
                check_shape(ENTITIES[name], Shape(self.record_bytes, self.compressibility))
            except ValueError as error:
                mistakes.append(f"--record-bytes: {error} (--entities, --load-entity)")
        return mistakes

    def _entities_in_use(self) -> list[str]:
        named = list(self.entities) if "data" in self.parts else []
        if "load" in self.parts:
            named += list(ENTITIES) if self.load_entity == "mixed" else [self.load_entity]
        return [name for name in ENTITIES if name in named]


def _unknown(option: str, given: tuple[str, ...], known: tuple[str, ...]) -> list[str]:
    mistakes = [f"{option}: unknown {name!r}, known are {', '.join(known)}" for name in given if name not in known]
    if not given:
        mistakes.append(f"{option}: at least one of {', '.join(known)} is needed")
    if len(set(given)) != len(given):
        mistakes.append(f"{option}: each may stand there once")
    return mistakes
