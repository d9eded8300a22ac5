"""What a result says of every run: which one, since when and until when, as asked for how, on what machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self, TypedDict

from seawall.experiments.machine import machine_facts
from seawall.result import Result


class Facts(TypedDict):
    """Fields of a `Result` that each experiment fills alike."""

    experiment: str
    started_at: str
    finished_at: str
    seed: int
    options: dict[str, Any]
    environment: dict[str, Any]


@dataclass(frozen=True)
class RunFacts:
    """What is known when a run begins."""

    experiment: str
    seed: int
    options: dict[str, Any]
    """As JSON."""
    started_at: str
    machine: dict[str, Any]
    """Before there was any load."""

    @classmethod
    def begin(cls, experiment: str, seed: int, options: dict[str, Any], earlier: Result | None = None) -> Self:
        """Look at the machine and the clock; *earlier* is the result of the run that goes on."""
        return cls(experiment, seed, options, earlier.started_at if earlier else _now(), machine_facts())

    def by_now(self, servers: Mapping[str, str], **more: object) -> Facts:
        """Return the facts of a result that is written now, with the versions of its *servers* and what *more* ran."""
        return Facts(
            experiment=self.experiment,
            started_at=self.started_at,
            finished_at=_now(),
            seed=self.seed,
            options=self.options,
            environment={**self.machine, "servers": servers, **more},
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
