"""The order of a comparison's trials, and which of them share a stack.

Arms that can run on one stack are one segment of a block, there and back, A B C C B A. Where all arms can, the whole
comparison is one segment. Else each block has a segment for each kind of stack, on servers of its own, and every other
block takes them in the opposite order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from seawall.experiments.arms import ArmPlan
from seawall.experiments.compare_options import CompareOptions
from seawall.experiments.trial import TrialPlan
from seawall.load.trial import TrialLoad
from seawall.tuning.kafka_settings import KafkaSettings

WARM_UP_RECORDS = (5_000, 40_000)
"""At least and at most so many; between them, as many as four seconds of the load hold."""
HEAVY_PER_S, HEAVY_WARM_UP_S = 2_000, 30.0
"""A load from so many requests a second on also warms up by itself: a broker to which thousands speak has other code to
compile than one to which fifty do, and takes twice the processor time until it is done."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Trials that run one after the other on one stack."""

    name: str
    """Empty where there is but one."""
    brokers: int | None
    """How many the stack must have; None where no arm cares."""
    started_with: KafkaSettings
    """What the stack must be started with."""
    arms: tuple[ArmPlan, ...]
    warm_up: tuple[TrialPlan, ...]
    trials: tuple[TrialPlan, ...]

    @property
    def needs_kafka(self) -> bool:
        """Whether the stack must have a log."""
        return bool(self.brokers) or any(arm.path == "kafka" for arm in self.arms)

    def arm(self, name: str) -> ArmPlan:
        """Return the arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)


def planned_segments(options: CompareOptions, directory: Path) -> list[Segment]:
    """Return the segments in their order; trials leave their files in *directory*."""
    groups = _by_stack(options.arm_plans())
    if len(groups) == 1:
        return [_segment(options, "", groups[0], range(options.blocks), directory)]
    return [
        _segment(options, f"block-{block}-{_kind(arms[0])}", arms, [block], directory)
        for block in range(options.blocks)
        for arms in (groups if block % 2 == 0 else reversed(groups))
    ]


def warm_up_records(options: CompareOptions) -> int:
    """Return how many records warm a path up: a broker's compiler is busy for the first seconds of a load."""
    least, most = WARM_UP_RECORDS
    asked = int(4 * options.users * options.rate_per_s) if "load" in options.parts else 0
    return min(max(least, asked), most)


def _by_stack(plans: Iterable[ArmPlan]) -> list[tuple[ArmPlan, ...]]:
    """Return the arms in groups that can share a stack; who does not care goes where one broker is."""
    found: dict[tuple[int, bytes], list[ArmPlan]] = {}
    for plan in plans:
        found.setdefault((plan.brokers or 1, msgspec.json.encode(plan.started_with)), []).append(plan)
    return [tuple(found[kind]) for kind in sorted(found, key=lambda kind: kind[0])]


def _kind(plan: ArmPlan) -> str:
    """Return what sets the stack of *plan* apart."""
    return f"{plan.brokers or 1}-brokers" if plan.started_with == KafkaSettings() else plan.name


def _segment(
    options: CompareOptions, name: str, arms: tuple[ArmPlan, ...], blocks: Iterable[int], directory: Path
) -> Segment:
    blocks = list(blocks)
    return Segment(
        name=name,
        brokers=max((arm.brokers for arm in arms if arm.brokers), default=None),
        started_with=arms[0].started_with,
        arms=arms,
        warm_up=tuple(_warm_up(options, arms, blocks[0], directory)),
        trials=tuple(trial for block in blocks for trial in _block(options, arms, block, directory)),
    )


def _warm_up(options: CompareOptions, arms: tuple[ArmPlan, ...], block: int, directory: Path) -> Iterator[TrialPlan]:
    """Yield a trial a path that is not part of the result: it fills pools, plan caches and just-in-time compilers."""
    entity = "mixed"
    if options.shaped:  # not every entity can have the shape
        entity = options.load_entity if "load" in options.parts else options.entities[0]
    paths = {arm.path: arm for arm in reversed(arms)}  # the first arm of each
    for arm in arms:
        if paths[arm.path] is arm:
            name = f"warm-up-{arm.name}" + (f"-{block}" if block else "")
            load = _load(
                options, arm, name, directory, entity=entity, users=options.clients, count=warm_up_records(options)
            )
            yield TrialPlan(arm.name, -1, load)
            if "load" in options.parts and options.users * options.rate_per_s >= HEAVY_PER_S:
                yield TrialPlan(arm.name, -1, _same_load(options, arm, f"{name}-load", directory, HEAVY_WARM_UP_S))


def _block(options: CompareOptions, arms: tuple[ArmPlan, ...], block: int, directory: Path) -> Iterator[TrialPlan]:
    order = options.order(arms, block)
    if "data" in options.parts:
        for entity in options.entities:
            for count in options.counts:
                for arm, half in order:
                    name = f"data-{entity}-{count}-{arm.name}-{block}{half}"
                    users = min(options.clients, count)
                    load = _load(options, arm, name, directory, entity=entity, users=users, count=count)
                    yield TrialPlan(arm.name, block, load)
    if "load" in options.parts:
        for arm, half in order:
            name = f"load-{arm.name}-{block}{half}"
            yield TrialPlan(arm.name, block, _same_load(options, arm, name, directory, options.duration_s))


def _same_load(options: CompareOptions, arm: ArmPlan, name: str, directory: Path, duration_s: float) -> TrialLoad:
    return _load(
        options,
        arm,
        name,
        directory,
        entity=options.load_entity,
        users=options.users,
        rate_per_s=options.rate_per_s,
        warmup_s=options.warmup_s,
        duration_s=duration_s,
        arrival=options.arrival,
    )


def _load(options: CompareOptions, arm: ArmPlan, name: str, directory: Path, **rest: Any) -> TrialLoad:
    return TrialLoad(
        name=name,
        path=arm.path,
        seed=options.seed,
        directory=str(directory),
        record_bytes=options.record_bytes,
        compressibility=options.compressibility,
        key_skew=options.key_skew,
        **rest,
    )
