"""Targets: what a figure of a run has to keep to, in the two sets that a file holds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from seawall.targets.limit import Limit
from seawall.targets.metrics import Metric, Scope


class TargetSet(StrEnum):
    """When a target is judged."""

    ALWAYS = "always"
    """In any run whose load has requests of the target's scope."""

    ATTAIN = "attain"
    """Only where the run was meant to attain that load."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One metric of one scope, and what it has to keep to."""

    set: TargetSet
    name: str
    metric: Metric
    scope: Scope
    limit: Limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """All targets of a file, in its order."""

    source_name: str
    targets: tuple[Target, ...]

    def meant_for(self, scopes: Collection[Scope], *, attain: bool) -> tuple[Target, ...]:
        """Return the targets to judge under a load of *scopes*; those of the set ``attain`` only on *attain*.

        A target of the scope ``all`` is meant for every load.
        """
        return tuple(
            target
            for target in self.targets
            if (target.scope is Scope.ALL or target.scope in scopes) and (attain or target.set is TargetSet.ALWAYS)
        )
