"""The stacks of a sweep: one for all levels, or servers of its own for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import msgspec

from seawall.cli.experiment_place import OwnStacks, experiment_place
from seawall.cli.running_stack import refuse_running_stack
from seawall.experiments.compare import StackOf
from seawall.experiments.plan_options import PlanOptions
from seawall.experiments.search_options import SearchOptions
from seawall.experiments.segments import Segment
from seawall.experiments.tune_options import TuneOptions
from seawall.experiments.turned_options import TurnedOptions
from seawall.stack.options import StackOptions
from seawall.tuning.kafka_settings import KafkaSettings

Tuning = TuneOptions | PlanOptions | SearchOptions
"""What `tune` may be asked for."""


@contextmanager
def stacks_of(options: Tuning, directory: Path, *, clean: bool) -> Iterator[StackOf]:
    """Give what gives each segment its stack; raises `StackError`."""
    if isinstance(options, TuneOptions) and options.own_stacks:
        refuse_running_stack(f"{options.knob.name} is taken only at the start of servers", "a knob that is not")
        make = OwnStacks("tune", directory, clean=clean)
        yield lambda segment: make(_stack(options, segment), segment.name)
        return
    counts = (options.brokers, options.sinks, options.api_processes)
    asked = any(number is not None for number in counts)
    with experiment_place(_stack(options), "tune", directory, asked=asked, clean=clean) as stack:
        yield lambda _: nullcontext(stack)


def _stack(options: Tuning, segment: Segment | None = None) -> StackOptions:
    found = StackOptions(
        database=options.database,
        brokers=options.brokers or 1,
        sinks=options.sinks or (options.fewest_sinks if isinstance(options, TurnedOptions) else 1),
        api_processes=options.api_processes or 1,
        registry=options.needs_registry,
        settings=options.started_with if isinstance(options, TurnedOptions) else KafkaSettings(),
    )
    if segment is None:
        return found
    return msgspec.structs.replace(found, settings=segment.started_with)
