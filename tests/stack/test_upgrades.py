"""Processes that take over from others."""

from __future__ import annotations

import random

import pytest

from seawall.experiments.fault_options import FaultOptions
from seawall.stack.faults.catalogue import CATALOGUE, NEED_SPARES
from seawall.stack.faults.fault import NO_PATH, Field
from seawall.stack.stack import Stack


def test_a_sink_that_rolls_is_another_process_of_the_same_name(stack: Stack) -> None:
    """It reads again before the next one would end, and the group keeps its members."""
    before = stack.state.services["sink-1"].pid
    rolling = CATALOGUE["roll-sinks"].make(Field(stack, random.Random(1)))
    rolling.begin()
    rolling.end()
    assert rolling.bite() == "sink-1 again"
    assert stack.state.services["sink-1"].pid not in (None, before)
    assert stack.sinks_at_work() == {"sink-1"}


def test_what_needs_spares_is_left_out_where_there_are_none(stack: Stack) -> None:
    """And says how to have them; whatever is replaced, no request may fail."""
    assert {"upgrade-sinks", "upgrade-api", "blue-green", "canary"} == NEED_SPARES
    for name in NEED_SPARES:
        assert "--faults" in CATALOGUE[name].obstacle(stack.state)
        assert CATALOGUE[name].touches == NO_PATH
        assert CATALOGUE[name].under_load


@pytest.mark.parametrize(
    ("faults", "processes", "sinks", "balancer"),
    [(("kill-api",), 2, 3, False), (("kill-api", "canary"), 4, 4, True), ((), 2, 3, False)],
)
def test_a_stack_has_spares_where_a_fault_was_named_that_needs_them(
    faults: tuple[str, ...],
    processes: int,
    sinks: int,
    balancer: bool,  # noqa: FBT001 - of a table
) -> None:
    """As many API processes again, a sink more, and a balancer."""
    wanted = FaultOptions(faults=faults, api_processes=2, sinks=3).stack_options()
    assert (wanted.api_processes, wanted.sinks, wanted.balancer) == (processes, sinks, balancer)
    assert wanted.partitions >= wanted.sinks or not balancer
