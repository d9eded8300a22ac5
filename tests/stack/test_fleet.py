"""Sinks and API processes that are taken away and come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from service_processes import eventually

from seawall.stack.errors import NotSettled
from seawall.stack.fleet import Fleet
from seawall.stack.stack import Stack


@pytest.mark.parametrize("kind", ["sink", "api"])
def test_one_that_is_taken_away_stays_away_until_it_is_wanted(stack: Stack, kind: str) -> None:
    """Told to end in good order; it comes back under its name, as another process, and does its work."""
    with Fleet(stack, kind) as fleet:
        (name,) = fleet.names
        before = stack.state.services[name].pid
        assert fleet.is_settled()
        fleet.scale_to(0)
        assert fleet.wanted == []
        _await_gone(fleet)
        eventually(lambda: stack.state.services[name].pid is None, 60)
        fleet.scale_to(1)
        fleet.await_settled(60)
        assert stack.state.services[name].pid not in (None, before)
        told = Path(stack.state.logs_dir, "supervisor.log").read_text(encoding="utf-8")
        assert f"{name} ended with exit code 0" in told


def test_a_number_that_does_not_come_about_is_told_in_words(stack: Stack) -> None:
    """At the end all run again."""
    with Fleet(stack, "sink") as fleet:
        fleet.stop("sink-1")
        _await_gone(fleet)
        fleet.start("sink-1")
        with pytest.raises(NotSettled, match="1 of 1 sink processes were wanted"):
            fleet.await_settled(0.0)
        fleet.await_settled(60)


@pytest.mark.parametrize("kind", ["sink", "api"])
def test_an_interrupted_block_keeps_none_away(stack: Stack, kind: str) -> None:
    """Whatever ends it, all do their work again."""
    fleet = Fleet(stack, kind)

    def interrupted() -> None:
        with fleet:
            fleet.scale_to(0)
            _await_gone(fleet)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert fleet.wanted == fleet.names
    fleet.await_settled(60)


def _await_gone(fleet: Fleet) -> None:
    eventually(lambda: fleet.running() == 0, 60)
