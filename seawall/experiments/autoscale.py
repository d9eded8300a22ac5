"""How many processes an autoscaler of Kubernetes would run: the formulas of its HorizontalPodAutoscaler, and KEDA's.

As `autoscaling/v2` documents them and its controller computes them (pkg/controller/podautoscaler/horizontal.go): a
proposal from each metric, of which the highest counts; then the recommendation that was lowest (growing) or highest
(shrinking) within a window; then a bound on how many may come or go in a while. KEDA hands the controller a lag as an
external metric and leaves the rest to it. All here is pure: time is an argument, manifests are read mappings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Self

TOLERANCE = 0.1
"""A metric that is off its target by no more than this share changes nothing."""
KEDA_MOST = 100
"""KEDA's `maxReplicaCount` where none is given."""

Kind = Literal["Pods", "Percent"]
Select = Literal["Max", "Min", "Disabled"]


class Policy(NamedTuple):
    """In *period_s* no more than *value* replicas, or per cent of them, come or go."""

    kind: Kind
    value: int
    period_s: float


@dataclass(frozen=True)
class Rules:
    """One direction: how long recommendations count, and which of the *policies* does."""

    window_s: float
    policies: tuple[Policy, ...]
    select: Select = "Max"

    @classmethod
    def read(cls, given: Mapping[str, Any] | None, default: Self) -> Self:
        """Return the rules of a manifest's `scaleUp` or `scaleDown`; what it leaves out is as in *default*."""
        given = given or {}
        policies = tuple(
            Policy(policy["type"], policy["value"], policy["periodSeconds"]) for policy in given.get("policies", ())
        )
        return cls(
            given.get("stabilizationWindowSeconds", default.window_s),
            policies or default.policies,
            given.get("selectPolicy", default.select),
        )


GROWING = Rules(0, (Policy("Percent", 100, 15), Policy("Pods", 4, 15)))
SHRINKING = Rules(300, (Policy("Percent", 100, 15),))
"""Kubernetes' own rules."""


@dataclass(frozen=True)
class Behaviour:
    """How many there may be, and how quickly that changes."""

    least: int
    most: int
    up: Rules = GROWING
    down: Rules = SHRINKING

    def at_most(self, count: int) -> Behaviour:
        """Return the same with another most."""
        return replace(self, most=max(count, self.least))

    @classmethod
    def of_autoscaler(cls, manifest: Mapping[str, Any]) -> Self:
        """Read a HorizontalPodAutoscaler."""
        spec = manifest["spec"]
        return cls._read(spec.get("minReplicas", 1), spec["maxReplicas"], spec.get("behavior"))

    @classmethod
    def of_scaled_object(cls, manifest: Mapping[str, Any]) -> Self:
        """Read a ScaledObject; scaling to none and from none is KEDA's own, and not described here."""
        spec = manifest["spec"]
        advanced = spec.get("advanced", {}).get("horizontalPodAutoscalerConfig", {})
        least = max(1, spec.get("minReplicaCount", 0))
        return cls._read(least, spec.get("maxReplicaCount", KEDA_MOST), advanced.get("behavior"))

    @classmethod
    def _read(cls, least: int, most: int, behaviour: Mapping[str, Any] | None) -> Self:
        given = behaviour or {}
        return cls(
            least, most, Rules.read(given.get("scaleUp"), GROWING), Rules.read(given.get("scaleDown"), SHRINKING)
        )


def by_average(current: int, average: float, target: float) -> int:
    """Return the replicas at which *average*, over *current* replicas, would be *target*: of a resource, or of pods."""
    ratio = average / target
    return current if abs(ratio - 1.0) <= TOLERANCE else math.ceil(ratio * current)


class Average(NamedTuple):
    """What the pods of a target show of a metric: the sum over those that do, and how many do not."""

    total: float
    there: int
    missing: int = 0


def by_average_of(current: int, shown: Average, target: float, *, missing_is: float) -> int | None:
    """Return the same where some pods show nothing; None where none shows anything, and nothing can be said.

    Those that are missing count as *missing_is* where the others are below the target, and as 0 where they are above:
    they may slow a change, and never make or turn one.
    """
    if not shown.there:
        return None
    ratio = shown.total / shown.there / target
    if not shown.missing:
        return by_average(shown.there, shown.total / shown.there, target)
    filled = shown.total + (missing_is * shown.missing if ratio < 1.0 else 0.0)
    count = shown.there + shown.missing
    careful = filled / count / target
    if abs(careful - 1.0) <= TOLERANCE or (ratio < 1.0) != (careful < 1.0):
        return current
    wanted = math.ceil(careful * count)
    return current if (wanted < current) != (careful < 1.0) else wanted


def of_those_known(current: int, proposals: Sequence[int | None]) -> list[int]:
    """Return the proposals to decide by: none where no metric is known, or one is not and the others would shrink."""
    known = [proposal for proposal in proposals if proposal is not None]
    if not known or (len(known) < len(proposals) and max(known) < current):
        return []
    return known


def by_sum(current: int, total: float, target: float) -> int:
    """Return the replicas at which each would have *target* of *total*: an external metric, such as a lag."""
    ratio = total / (target * current)
    return current if abs(ratio - 1.0) <= TOLERANCE else math.ceil(total / target)


def counted_lag(lags: Iterable[int], threshold: int) -> int:
    """Return the lag that KEDA's scaler for Kafka reports: all of it, but for no more replicas than partitions."""
    behind = list(lags)
    return min(sum(behind), threshold * len(behind))


def threshold_of(scaled_object: Mapping[str, Any]) -> int:
    """Return the lag that a ScaledObject's first trigger allows each replica."""
    return int(scaled_object["spec"]["triggers"][0]["metadata"]["lagThreshold"])


class Recommendation(NamedTuple):
    """What the metrics asked for at a time."""

    at_s: float
    replicas: int


class Change(NamedTuple):
    """How many came (above 0) or went at a time."""

    at_s: float
    replicas: int


def stabilised(current: int, wanted: int, earlier: Iterable[Recommendation], now_s: float, behaviour: Behaviour) -> int:
    """Return what all recommendations within the windows agree on, as near to *current* as they allow."""
    upward = downward = wanted
    for recommendation in earlier:
        if recommendation.at_s > now_s - behaviour.up.window_s:
            upward = min(upward, recommendation.replicas)
        if recommendation.at_s > now_s - behaviour.down.window_s:
            downward = max(downward, recommendation.replicas)
    return min(max(current, upward), downward)


def limited(current: int, wanted: int, changes: Sequence[Change], now_s: float, behaviour: Behaviour) -> int:
    """Return *wanted* within what the policies let come or go now, and within the bounds on the whole."""
    if wanted > current:
        return min(wanted, behaviour.most, max(current, _bound(current, changes, now_s, behaviour.up, sign=1)))
    if wanted < current:
        return max(wanted, behaviour.least, min(current, _bound(current, changes, now_s, behaviour.down, sign=-1)))
    return wanted


def _bound(current: int, changes: Sequence[Change], now_s: float, rules: Rules, *, sign: int) -> int:
    """Return the most (*sign* 1) or the fewest (-1) that the policies allow."""
    if rules.select == "Disabled":
        return current
    proposals = []
    for policy in rules.policies:
        begun = current - sum(change.replicas for change in changes if change.at_s > now_s - policy.period_s)
        if policy.kind == "Pods":
            proposals.append(begun + sign * policy.value)
        else:
            share = begun * (1 + sign * policy.value / 100)
            proposals.append(math.ceil(share) if sign > 0 else math.floor(share))
    most_change = max if (sign > 0) == (rules.select == "Max") else min
    return most_change(proposals)


@dataclass
class Autoscaler:
    """One target's controller, asked again and again; keeps what it recommended and did."""

    behaviour: Behaviour
    _earlier: list[Recommendation] = field(default_factory=list)
    _changes: list[Change] = field(default_factory=list)

    def decide(self, now_s: float, current: int, proposals: Iterable[int]) -> int:
        """Return how many replicas there shall be from now on; *proposals* are those of the metrics, at least one."""
        wanted = max(proposals)
        if not self._earlier:  # as the controller does, so that a restart shrinks nothing
            self._earlier.append(Recommendation(now_s, current))
        settled = stabilised(current, wanted, self._earlier, now_s, self.behaviour)
        self._earlier.append(Recommendation(now_s, wanted))
        bounded = min(max(settled, self.behaviour.least), self.behaviour.most)
        decided = limited(current, bounded, self._changes, now_s, self.behaviour)
        if decided != current:
            self._changes.append(Change(now_s, decided - current))
        self._forget(now_s)
        return decided

    def _forget(self, now_s: float) -> None:
        rules = (self.behaviour.up, self.behaviour.down)
        window_s = max(one.window_s for one in rules)
        period_s = max((policy.period_s for one in rules for policy in one.policies), default=0)
        self._earlier = [one for one in self._earlier if one.at_s > now_s - window_s] or self._earlier[-1:]
        self._changes = [one for one in self._changes if one.at_s > now_s - period_s]
